"""A table as CSV: one line a row and split, and the values of single runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trainer.tables.panels import Panel
from trainer.tables.statistics import Comparison, Estimate
from trainer.tables.summary import PanelSummary, RowSummary

SUMMARY_COLUMNS = (
    *("table", "panel", "row", "split", "value", "low", "high", "seed_sd", "paper"),
    *("difference", "difference_low", "difference_high", "paper_difference"),
    *("p_splits", "p_splits_holm", "p_runs", "p_runs_holm"),
)
RUN_COLUMNS = ("table", "panel", "row", "split", "seed", "value")
MEAN = "mean"
"""The `split` of a line about all splits."""


def summary_csv(number: int, panels: Sequence[PanelSummary]) -> str:
    """Means by split, and over the splits with intervals and tests; values in percent."""
    return _csv(
        SUMMARY_COLUMNS, (line for panel in panels for row in panel.rows for line in _lines(number, panel, row))
    )


def runs_csv(number: int, panels: Sequence[Panel], seeds: Sequence[int]) -> str:
    """Every single value, in percent."""
    return _csv(
        RUN_COLUMNS,
        (
            dict(zip(RUN_COLUMNS, (number, panel.title, row.title, split, seed, float(row.values[i, j])), strict=True))
            for panel in panels
            for row in panel.rows
            for i, split in enumerate(panel.splits)
            for j, seed in enumerate(seeds)
        ),
    )


def _lines(number: int, panel: PanelSummary, row: RowSummary) -> Iterator[dict[str, Any]]:
    head = {"table": number, "panel": panel.title, "row": row.title}
    for split, value in zip(panel.splits, row.by_split, strict=True):
        yield {**head, "split": split, "value": value, "paper": row.paper.get(split)}
    comparison = row.comparison
    yield {
        **head,
        "split": MEAN,
        "value": row.estimate.mean,
        **_ends("", row.estimate),
        "seed_sd": row.estimate.seed_sd,
        "paper": row.paper_mean,
        "paper_difference": row.paper_difference,
        "p_splits_holm": row.p_splits,
        "p_runs_holm": row.p_runs,
        **({} if comparison is None else _comparison(comparison)),
    }


def _comparison(found: Comparison) -> dict[str, float]:
    return {
        "difference": found.difference.mean,
        **_ends("difference_", found.difference),
        "p_splits": found.p_splits,
        "p_runs": found.p_runs,
    }


def _ends(prefix: str, found: Estimate) -> dict[str, float]:
    return {} if found.interval is None else {f"{prefix}low": found.interval[0], f"{prefix}high": found.interval[1]}


def _csv(columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({name: f"{v:.6f}" if isinstance(v, float) else v for name, v in line.items()})
    return text.getvalue()
