"""Extraction by many processes on Ray; see `trainer/ray_workers.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from trainer.features.extractor import Extractor
from trainer.features.recipe import Recipe
from trainer.features.tasks import Description, Outcome, Task
from trainer.ray_workers import RayWorkers, WorkerDiedError


class RayPool:
    """Extractors; outcomes come in the order of the tasks."""

    def __init__(
        self, recipe: Recipe, workers: int | None = None, address: str | None = None, threads: int | None = None
    ) -> None:
        """Start or reach Ray, with one extractor a worker (see `RayWorkers`); close the pool with `close`.

        Raises:
            RayError: see `RayWorkers`.
        """
        self._workers = RayWorkers(partial(Extractor, recipe), workers, address, threads)

    def describe(self) -> Description:
        """Raises RayError when the first worker does not start, and whatever `Extractor` refuses."""
        description: Description = self._workers.first("describe")
        return description

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """One outcome a task, in the order of the tasks."""
        # Workers of a cluster run in another folder than this process.
        absolute = [replace(task, path=task.path.absolute()) for task in tasks]
        yield from self._workers.outcomes(absolute, "extract", _died)

    def close(self) -> None:
        """Stop the workers, and Ray where it was started here."""
        self._workers.close()


def _died(task: Task, error: WorkerDiedError) -> Outcome:
    return Outcome(task, None, f"{task.path}: {error}")
