"""Training of any method of METHODS, read top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainer.loop.head_clips import HeadClips
from trainer.loop.settings import FitResult, FitSettings
from trainer.methods.head_spec import HeadSpec

Log = Callable[[str], None]


def fit(
    method: str,
    hyper: Mapping[str, Any],
    spec: HeadSpec,
    train: HeadClips,
    validation: HeadClips | None,
    settings: FitSettings,
    out: Path | None,
    log: Log,
) -> FitResult:
    """Train one head; the same seed and data give the same weights on one processor.

    Args:
        method: a name of METHODS. hyper: its hyper-parameters by name; {} for the papers'.
        out: folder of the run, for metrics and for going on after a kill; None leaves nothing on the disk.
        log: gets a line now and then.
    """
    raise NotImplementedError  # published ahead for tables
