"""The loop of an extraction: what is not there yet goes through a pool and is written in the order of the videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from trainer.features.progress import Progress
from trainer.features.store import FeatureStore, VideoFeatures
from trainer.features.tasks import Description, Outcome, Pool, Task


class Output(Protocol):
    """Where features go. What `put` was given is there when it returns, and not at all when it is interrupted."""

    def holds(self, name: str) -> bool: ...

    def put(self, name: str, features: VideoFeatures) -> None: ...


class StoreOutput:
    """A feature store."""

    def __init__(self, path: Path, description: Description) -> None:
        """Raises FeatureStoreError when the store there was made with something else."""
        self._store = FeatureStore.create(path, description.widths, description.made_with)
        self._videos = set(self._store.videos)

    def holds(self, name: str) -> bool:
        return name in self._videos

    def put(self, name: str, features: VideoFeatures) -> None:
        self._store.append(name, features)
        self._videos.add(name)


def extract_all(tasks: Sequence[Task], pool: Pool, output: Output, progress: Progress) -> list[Outcome]:
    """Extract every task that `output` does not hold; returns those that failed.

    Features are written in the order of the tasks, so that a run that was killed and started again leaves the same
    bytes as one that was not.
    """
    left = [task for task in tasks if not output.holds(task.name)]
    progress.start(len(tasks), len(tasks) - len(left), sum(map(_size_bytes, left)))
    failed: list[Outcome] = []
    for outcome in pool.outcomes(left):
        if outcome.features is None:
            failed.append(outcome)
        else:
            output.put(outcome.task.name, outcome.features)
        rows = 0 if outcome.features is None else len(outcome.features.start_tick)
        progress.video(rows, _size_bytes(outcome.task))
    progress.end()
    return failed


def _size_bytes(task: Task) -> int:
    try:
        return task.path.stat().st_size
    except OSError:
        return 0
