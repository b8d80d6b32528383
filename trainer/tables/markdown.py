"""A table as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.text import printable
from trainer.tables.hypotheses import Hypothesis
from trainer.tables.hypotheses import as_markdown as hypothesis_markdown
from trainer.tables.statistics import Estimate
from trainer.tables.summary import PanelSummary, RowSummary

NOTHING = "-"


def table_markdown(
    number: int,
    title: str,
    panels: Sequence[PanelSummary],
    hypotheses: Sequence[Hypothesis],
    notes: Sequence[str],
    picture: str,
) -> str:
    """The whole page; `picture` is the name of the plot beside it."""
    lines = [f"# Table {number}: {title}", ""]
    for panel in panels:
        lines += [*([f"## {panel.title}", ""] if len(panels) > 1 else [f"{panel.title}.", ""]), *panel_lines(panel), ""]
    lines += [f"![Table {number}]({picture})", ""]
    if hypotheses:
        lines += ["## What the paper claims", ""]
        for hypothesis in hypotheses:
            lines += hypothesis_markdown(hypothesis)
    lines += ["## Notes", "", *(f"- {printable(note)}" for note in notes)]
    return "\n".join(lines) + "\n"


def panel_lines(panel: PanelSummary) -> list[str]:
    """Lines of one table; cells of a split hold the mean over seeds and, in brackets, the paper's."""
    seeds = any(row.estimate.seed_sd is not None for row in panel.rows)
    paper = any(row.paper_mean is not None for row in panel.rows)
    head = [
        "",
        *map(cell_text, panel.splits),
        "mean [95 %]",
        *(["s.d."] if seeds else []),
        f"to {panel.reference} [95 %]",
        "p (splits)",
        "p (runs)",
        *(["paper", "paper, difference"] if paper else []),
    ]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for row in panel.rows:
        comparison = row.comparison
        lines.append(
            _line(
                [
                    cell_text(row.title),
                    *_split_cells(row, panel.splits),
                    interval_text(row.estimate),
                    *([number_text(row.estimate.seed_sd)] if seeds else []),
                    NOTHING if comparison is None else interval_text(comparison.difference, signed=True),
                    p_text(row.p_splits),
                    p_text(row.p_runs),
                    *([number_text(row.paper_mean), number_text(row.paper_difference, signed=True)] if paper else []),
                ]
            )
        )
    return lines


def interval_text(found: Estimate, signed: bool = False) -> str:
    """'41.2 [38.0, 44.4]', or the mean alone."""
    if found.interval is None:
        return number_text(found.mean, signed)
    low, high = (number_text(end, signed) for end in found.interval)
    return f"{number_text(found.mean, signed)} [{low}, {high}]"


def number_text(value: float | None, signed: bool = False) -> str:
    """One decimal; '-' where there is no number."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+.1f}" if signed else f"{value:.1f}"
    return text.replace("-0.0", "0.0").replace("+0.0", "0.0") if float(text) == 0 else text


def p_text(value: float | None) -> str:
    """Two digits; '-' where there is no number."""
    return NOTHING if value is None else "<0.001" if value < 0.001 else f"{value:.2g}"


def cell_text(text: str) -> str:
    """Text from outside that cannot break the table."""
    return printable(text).replace("|", "\\|")


def _split_cells(row: RowSummary, splits: Sequence[str]) -> list[str]:
    cells = []
    for split, value in zip(splits, row.by_split, strict=True):
        paper = row.paper.get(split)
        cells.append(number_text(value) + ("" if paper is None else f" ({number_text(paper)})"))
    return cells


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
