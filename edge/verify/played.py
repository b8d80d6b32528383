"""One clip that was replayed to its end, and all that is known about it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edge.annotations.truth import Truth
from edge.contract import RunResult
from edge.score import Score
from edge.verify.evidence import Evidence


class Played(NamedTuple):
    """Of one precision."""

    media: Path
    """The video file."""
    result: RunResult
    truth: Truth | None
    """None without an annotation of this clip; then there is no score and no evidence."""
    score: Score | None
    evidence: Evidence | None
