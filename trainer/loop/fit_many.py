"""Many trainings at once: one process and one thread for each, which beats many threads for heads of this size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.loop.fit import Log
from trainer.loop.head_clips import HeadClips
from trainer.loop.settings import FitResult, FitSettings
from trainer.methods.head_spec import HeadSpec


@dataclass(frozen=True)
class Job:
    """The arguments of one `fit`."""

    method: str
    spec: HeadSpec
    train: HeadClips
    validation: HeadClips | None
    settings: FitSettings
    hyper: Mapping[str, Any] = field(default_factory=dict)
    out: Path | None = None


def fit_many(jobs: Sequence[Job], processes: int, log: Log) -> Iterator[tuple[int, FitResult]]:
    """Train all jobs; yields (position of the job, its result) as they finish: the results of `fit`, bit for bit.

    Args:
        processes: how many train at the same time, each on one thread; 1 trains here, as do jobs on a GPU.
    """
    raise NotImplementedError  # published ahead for tables
