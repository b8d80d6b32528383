"""One annotated action as a file has it, before its words become a label of the bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from edge.annotations.truth import Span
from edge.contract import NS_PER_S
from edge.errors import AnnotationError
from edge.text import printable

LONGEST_S = 1e7  # about 115 days: beyond it a time is a mistake (frames or milliseconds where seconds belong)


class Action(NamedTuple):
    """What happened, in the annotator's words."""

    video: str
    """File name, or the dataset's id of the video: the file name without its suffix."""
    start_ns: int
    end_ns: int
    name: str
    """What it is called where no label of the bundle fits."""
    terms: tuple[str, ...]
    """Words to look up, the most specific first."""


@dataclass(frozen=True)
class AnnotationFile:
    """The content of one file."""

    format: str
    """For people: 'EPIC-KITCHENS-100', ..."""
    actions: tuple[Action, ...]
    spans: Mapping[str, tuple[Span, ...]] | None = None
    """Video -> stretches that are annotated completely; None: all videos are, from start to end."""
    notes: tuple[str, ...] = field(default=())
    """What was left out, and how points became segments."""
    own_words: bool = False
    """Whether the words are meant to be labels of the bundle, so that no built-in table may change them."""


def fault(path: Path | str, where: str | int, reason: str) -> AnnotationError:
    """'FILE:where: reason'; `where` is a line, or the place of a field inside a JSON file."""
    return AnnotationError(printable(f"{path}:{where}: {reason}"))


def seconds_ns(path: Path | str, where: str | int, name: str, value: Any) -> int:
    """Seconds (number or text) as ns.

    Raises:
        AnnotationError: not a number, not finite, negative, or beyond LONGEST_S.
    """
    try:
        seconds = float("" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        raise fault(path, where, f"{name} '{value}' is not a number of seconds") from None
    if not math.isfinite(seconds):
        raise fault(path, where, f"{name} '{value}' is not finite")
    if seconds < 0:
        raise fault(path, where, f"{name} {value} is negative")
    if seconds > LONGEST_S:
        raise fault(path, where, f"{name} {value} is more than {LONGEST_S:.0f} s: use seconds")
    return round(seconds * NS_PER_S)
