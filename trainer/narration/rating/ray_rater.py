"""A rater on many processes: each loads the model for itself; the log of answers stays with the process that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trainer.narration.rating.rater import Pair, Rater, Rating, UnratedError
from trainer.ray_workers import RayWorkers, WorkerDiedError


class Facts(NamedTuple):
    """What all workers say alike."""

    name: str
    batch_pairs: int


class RaterWorker:
    """Lives in a worker's process."""

    def __init__(self, rater: Rater) -> None:
        self._rater = rater

    def facts(self) -> Facts:
        """Of the rater; the caches of its ratings hold its name."""
        return Facts(self._rater.name, self._rater.batch_pairs)

    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        """As `Rater.rate`."""
        return self._rater.rate(pairs)


class RayRater:
    """A `Rater` that hands batches to `RaterWorker`s, as many at a time as there are workers."""

    def __init__(self, workers: RayWorkers) -> None:
        """Raises RayError when the first worker does not start, and whatever the rater refuses."""
        self._workers = workers
        facts: Facts = workers.first("facts")
        self.name, self.batch_pairs, self.concurrency = facts.name, facts.batch_pairs, workers.count

    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        """As `Rater.rate`; pairs on which a worker dies again and again fail, and the run goes on without them."""
        try:
            ratings: list[Rating] = self._workers.ask("rate", pairs)
        except WorkerDiedError as error:
            raise UnratedError(str(error)) from error
        return ratings

    def stop(self) -> None:
        """What the workers are at is waited for."""
