"""Many trainings of one shape side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainer.loop.fit import Log, fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.settings import FitResult, FitSettings
from trainer.methods.head_spec import HeadSpec


@dataclass(frozen=True)
class Job:
    """One of several trainings that differ in data and seed alone."""

    train: HeadClips
    validation: HeadClips | None
    seed: int


def fit_many(
    method: str, hyper: Mapping[str, Any], spec: HeadSpec, jobs: Sequence[Job], settings: FitSettings, log: Log
) -> list[FitResult]:
    """Train several heads of one shape, side by side where that is faster; the results of `fit` up to rounding.

    `settings.seed` is not used: every job has its own. Results come in the order of the jobs.
    """
    return [
        fit(method, hyper, spec, job.train, job.validation, replace(settings, seed=job.seed), None, log) for job in jobs
    ]
