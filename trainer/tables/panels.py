"""A table as panels of numbers: every row's values by split and seed, and the paper's cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.methods.paper_tables import drop_of_seen, drop_of_unseen
from trainer.tables.layout import Layout, Row
from trainer.tables.run_score import RunScore
from trainer.tables.runs import Run, in_domain, out_of_domain

Scores = Mapping[Run, RunScore]
Values = NDArray[np.float64]
"""float64 [splits, seeds]"""


@dataclass(frozen=True)
class PanelRow:
    """One row of a panel: its values, and the paper's where it prints any."""

    title: str
    values: Values
    paper: Mapping[str, float]
    """Split of ARGO1M -> the paper's cell; {} without one."""


@dataclass(frozen=True)
class Panel:
    """Rows of one measure, in percent."""

    title: str
    reference: str
    """Title of the row that the others are tested against."""
    splits: tuple[str, ...]
    rows: tuple[PanelRow, ...]


@dataclass(frozen=True)
class Grid:
    """The splits and seeds of a table."""

    splits: tuple[str, ...]
    seeds: tuple[int, ...]

    def values(self, of_run: Callable[[str, int], float]) -> Values:
        """`of_run(split, seed)` of every run."""
        return np.array([[of_run(split, seed) for seed in self.seeds] for split in self.splits], np.float64)


def needed_runs(table: Layout, grid: Grid) -> Iterator[Run]:
    """Every run that the table's panels read."""
    for row in table.rows:
        for split in grid.splits:
            for seed in grid.seeds:
                yield out_of_domain(row.method, row.modalities, split, seed)
                if table.number == 1:
                    yield from in_domain(row.method, row.modalities, split, seed)


def accuracy(scores: Scores, method_row: Row, grid: Grid, part: str = "test") -> Values:
    """Top-1 in percent of the runs that see nothing of the test domain, on one part of `RunScore.parts`."""
    method, modalities = method_row.method, method_row.modalities
    return grid.values(lambda split, seed: scores[out_of_domain(method, modalities, split, seed)].parts[part].accuracy)


def in_domain_accuracy(scores: Scores, method_row: Row, grid: Grid) -> Values:
    """The same of the runs that see the other folds of the test domain, over every clip of it."""

    def pooled(split: str, seed: int) -> float:
        folds = [scores[run].parts["test"] for run in in_domain(method_row.method, method_row.modalities, split, seed)]
        return 100 * sum(fold.right for fold in folds) / sum(fold.clips for fold in folds)

    return grid.values(pooled)


def panels(table: Layout, grid: Grid, scores: Scores) -> tuple[Panel, ...]:
    """Table 1 has seven: three accuracies, and both definitions of the drop from either kind of seen domain."""
    unseen = [accuracy(scores, row, grid) for row in table.rows]
    cells = [row.paper for row in table.rows]
    if table.number != 1:
        return (_panel("Top-1 accuracy on the held-out domain, %", table, grid, unseen, cells),)
    shared = [in_domain_accuracy(scores, row, grid) for row in table.rows]
    source = [accuracy(scores, row, grid, "source") for row in table.rows]
    shared_cells = [row.paper_in_domain for row in table.rows]
    no_cells: list[Mapping[str, float]] = [{} for _ in table.rows]

    def drops(what: str, seen: list[Values], seen_cells: Sequence[Mapping[str, float]]) -> Iterator[Panel]:
        for drop, whole in ((drop_of_unseen, "the accuracy outside"), (drop_of_seen, "the accuracy within")):
            values = [drop_values(drop, *pair) for pair in zip(seen, unseen, strict=True)]
            papers = [_paper_drop(drop, *pair) for pair in zip(seen_cells, cells, strict=True)]
            yield _panel(f"{what}, % of {whole}", table, grid, values, papers)

    return (
        _panel("Within: top-1 accuracy, training sees a part of the test domain, %", table, grid, shared, shared_cells),
        _panel("Outside: top-1 accuracy, training sees nothing of it, %", table, grid, unseen, cells),
        *drops("Drop on these clips", shared, shared_cells),
        _panel("Within: top-1 accuracy on unseen videos of the training domains, %", table, grid, source, no_cells),
        *drops("Drop from these videos to the test domain", source, no_cells),
    )


def _panel(
    title: str, table: Layout, grid: Grid, values: Sequence[Values], cells: Sequence[Mapping[str, float]]
) -> Panel:
    rows = tuple(PanelRow(row.title, found, paper) for row, found, paper in zip(table.rows, values, cells, strict=True))
    return Panel(title, table.reference, grid.splits, rows)


def drop_values(drop: Callable[[Any, Any], Any], seen: Values, unseen: Values) -> Values:
    """By split and seed; NaN where it would be divided by 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.asarray(drop(seen, unseen))
    return np.where(np.isfinite(values), values, np.nan)


def _paper_drop(
    drop: Callable[[float, float], float], seen: Mapping[str, float], unseen: Mapping[str, float]
) -> dict[str, float]:
    return {split: drop(seen[split], unseen[split]) for split in seen}
