"""One training and its test: what a table is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from trainer.models.fusion import Modalities
from trainer.tables.split_clips import FOLDS


@dataclass(frozen=True)
class Run:
    """A method with a modality setting on a split, for one seed."""

    split: str
    method: str
    """A name of METHODS."""
    modalities: Modalities
    seed: int
    fold: int | None = None
    """None: training sees nothing of the test domain. A number: it sees all but this fold, and is tested on that."""

    @property
    def name(self) -> str:
        """For a file: letters, digits, '-', '_', '+' and '.'."""
        split = "".join(c if c.isalnum() or c in "-_" else "_" for c in self.split)
        fold = "" if self.fold is None else f".fold{self.fold}"
        return f"{split}.{self.method}.{self.modalities}{fold}.seed{self.seed}"


def out_of_domain(method: str, modalities: Modalities, split: str, seed: int) -> Run:
    """The run that trains without the split's held-out domain."""
    return Run(split, method, modalities, seed)


def in_domain(method: str, modalities: Modalities, split: str, seed: int) -> tuple[Run, ...]:
    """The runs whose tests together are every clip of the test domain."""
    return tuple(Run(split, method, modalities, seed, fold) for fold in range(FOLDS))


def units(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    """Runs that differ in the seed alone, together: the work that is handed out at once. In the order of splits, so
    that a process loads few of them."""

    def without_seed(run: Run) -> tuple[str, str, str, int]:
        return run.split, run.method, run.modalities, -1 if run.fold is None else run.fold

    ordered = sorted(set(runs), key=lambda run: (without_seed(run), run.seed))
    return [tuple(group) for _, group in groupby(ordered, key=without_seed)]
