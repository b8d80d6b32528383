"""What a panel shows: means with intervals, tests against the reference row, the paper's figures beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.tables.panels import Panel, PanelRow
from trainer.tables.statistics import Comparison, Estimate, compare, estimate, holm


@dataclass(frozen=True)
class RowSummary:
    """One row."""

    title: str
    by_split: tuple[float, ...]
    """Means over the seeds."""
    estimate: Estimate
    comparison: Comparison | None
    """Against the reference row; None for that row itself."""
    p_splits: float | None
    """`comparison.p_splits`, adjusted for the number of rows of the panel (Holm)."""
    p_runs: float | None
    paper: Mapping[str, float]
    """The paper's cells of the splits shown here."""
    paper_mean: float | None
    """Of these cells or, where the splits are not the paper's, of all its cells."""
    paper_difference: float | None
    """Of the paper's mean to that of its reference row."""


@dataclass(frozen=True)
class PanelSummary:
    """A panel over all its splits, and the differences to its reference."""

    title: str
    reference: str
    splits: tuple[str, ...]
    rows: tuple[RowSummary, ...]


def summarise(panel: Panel) -> PanelSummary:
    """Statistics of every row of a panel."""
    reference = next(row for row in panel.rows if row.title == panel.reference)
    others = {row.title: compare(row.values, reference.values) for row in panel.rows if row is not reference}
    splits_p = dict(zip(others, holm([other.p_splits for other in others.values()]), strict=True))
    runs_p = dict(zip(others, holm([other.p_runs for other in others.values()]), strict=True))
    reference_mean = _paper_mean(reference, panel.splits)
    rows = []
    for row in panel.rows:
        mean = _paper_mean(row, panel.splits)
        known = row is not reference and mean is not None and reference_mean is not None
        rows.append(
            RowSummary(
                row.title,
                tuple(row.values.mean(axis=1).tolist()),
                estimate(row.values),
                others.get(row.title),
                splits_p.get(row.title),
                runs_p.get(row.title),
                {split: row.paper[split] for split in panel.splits if split in row.paper},
                mean,
                mean - reference_mean if known and mean is not None and reference_mean is not None else None,
            )
        )
    return PanelSummary(panel.title, panel.reference, panel.splits, tuple(rows))


def as_json(summary: PanelSummary) -> dict[str, Any]:
    """Plain values; None where there is no number."""
    return {
        "title": summary.title,
        "reference": summary.reference,
        "splits": list(summary.splits),
        "rows": [_row_json(row, summary.splits) for row in summary.rows],
    }


def _row_json(row: RowSummary, splits: tuple[str, ...]) -> dict[str, Any]:
    comparison = row.comparison
    return {
        "title": row.title,
        "by_split": {split: _number(value) for split, value in zip(splits, row.by_split, strict=True)},
        **estimate_json(row.estimate),
        "difference": None if comparison is None else estimate_json(comparison.difference),
        "p_splits": None if comparison is None else comparison.p_splits,
        "p_splits_holm": row.p_splits,
        "p_runs": None if comparison is None else comparison.p_runs,
        "p_runs_holm": row.p_runs,
        "paper_by_split": dict(row.paper),
        "paper_mean": _number(row.paper_mean),
        "paper_difference": _number(row.paper_difference),
    }


def estimate_json(found: Estimate) -> dict[str, Any]:
    """An estimate as JSON: mean, interval and standard deviation over seeds; null where there is none."""
    low, high = found.interval or (None, None)
    return {"mean": _number(found.mean), "low": _number(low), "high": _number(high), "seed_sd": _number(found.seed_sd)}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 6)


def _paper_mean(row: PanelRow, splits: tuple[str, ...]) -> float | None:
    cells = [row.paper[split] for split in splits if split in row.paper] or list(row.paper.values())
    return sum(cells) / len(cells) if cells else None
