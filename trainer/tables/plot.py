"""A table as a picture (SVG 1.1): a mean with its interval a row, its splits as small dots, the paper's mean beside it.

A table of one panel also shows the differences to its reference row: they are paired, and so known much better.
It brings its own background, light or dark as the reader's page prefers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from edge.text import printable
from trainer.tables.statistics import Estimate
from trainer.tables.summary import PanelSummary

_WIDTH_PX, _LEFT_PX, _RIGHT_PX = 900, 300, 40
_TITLE_PX, _PANEL_TITLE_PX, _ROW_PX, _AXIS_PX, _LEGEND_PX = 44, 30, 30, 40, 30
_TICKS = 6
_STYLE = """
text { font: 13px "DejaVu Sans", Verdana, "Segoe UI", sans-serif; fill: #2b3138; }
.paper { fill: #ffffff; stroke: #d5dae0; }
.title { font-size: 16px; font-weight: bold; }
.soft { fill: #66707b; font-size: 11.5px; }
.grid { stroke: #d5dae0; }
.bar { stroke: #2f6fb5; stroke-width: 3; stroke-linecap: round; }
.mean { fill: #2f6fb5; }
.split { fill: #2f6fb5; fill-opacity: 0.55; }
.cited { fill: none; stroke: #c2562d; stroke-width: 1.8; }
@media (prefers-color-scheme: dark) {
text { fill: #dfe4ea; }
.paper { fill: #15191e; stroke: #2e353d; }
.soft { fill: #97a1ac; }
.grid { stroke: #333b44; }
.bar { stroke: #7ab5f0; }
.mean, .split { fill: #7ab5f0; }
.cited { stroke: #f0946a; }
}
"""


@dataclass(frozen=True)
class _Mark:
    """One row of a strip."""

    title: str
    estimate: Estimate
    by_split: tuple[float, ...]
    paper: float | None


@dataclass(frozen=True)
class _Strip:
    """Rows with an axis of their own."""

    title: str
    marks: tuple[_Mark, ...]
    least: tuple[float, ...] = ()
    """Values that the axis must hold."""


def table_svg(title: str, panels: Sequence[PanelSummary]) -> str:
    """SVG text, the panels one below the other, each with an axis of its own."""
    top, body = _TITLE_PX, [f'<text class="title" x="20" y="28">{_text(title)}</text>']
    strips = [_values(panel) for panel in panels]
    if len(panels) == 1:
        strips.append(_differences(panels[0]))
    for strip in strips:
        body += _drawn(strip, top)
        top += _PANEL_TITLE_PX + _ROW_PX * len(strip.marks) + _AXIS_PX
    body += _legend(top)
    height = top + _LEGEND_PX
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH_PX} {height}" width="{_WIDTH_PX}" '
            f'height="{height}" role="img">',
            f"<title>{_text(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{_WIDTH_PX - 1}" height="{height - 1}" rx="8"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def axis(values: Sequence[float]) -> tuple[float, float, float]:
    """First tick, last tick and step of an axis on which all `values` lie; steps are 1, 2 or 5 times a power of ten."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    rough = max(high - low, 1e-3) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _values(panel: PanelSummary) -> _Strip:
    marks = [_Mark(row.title, row.estimate, row.by_split, row.paper_mean) for row in panel.rows]
    return _Strip(panel.title, tuple(marks))


def _differences(panel: PanelSummary) -> _Strip:
    reference = next(row for row in panel.rows if row.title == panel.reference)
    marks = [
        _Mark(
            row.title,
            row.comparison.difference,
            tuple(a - b for a, b in zip(row.by_split, reference.by_split, strict=True)),
            row.paper_difference,
        )
        for row in panel.rows
        if row.comparison is not None
    ]
    return _Strip(f"Difference to '{panel.reference}', points", tuple(marks), least=(0.0,))


def _drawn(strip: _Strip, top: float) -> Iterator[str]:
    first, last, step = axis([*strip.least, *(value for mark in strip.marks for value in _shown(mark))])
    scale = (_WIDTH_PX - _LEFT_PX - _RIGHT_PX) / max(last - first, step)
    bottom = top + _PANEL_TITLE_PX + _ROW_PX * len(strip.marks)

    def x(value: float) -> str:
        return f"{_LEFT_PX + (value - first) * scale:.1f}"

    yield f'<text x="20" y="{top + 14}">{_text(strip.title)}</text>'
    for tick in range(round((last - first) / step) + 1):
        value = round(first + tick * step, 9)
        yield f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{top + _PANEL_TITLE_PX - 6}" y2="{bottom}"/>'
        yield f'<text class="soft" x="{x(value)}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
    for number, mark in enumerate(strip.marks):
        y, found = top + _PANEL_TITLE_PX + _ROW_PX * number + _ROW_PX / 2 - 5, mark.estimate
        yield f'<text x="{_LEFT_PX - 12}" y="{y + 4}" text-anchor="end">{_text(mark.title)}</text>'
        for value in filter(math.isfinite, mark.by_split):
            yield f'<circle class="split" cx="{x(value)}" cy="{y + 9}" r="2.2"/>'
        if found.interval is not None and all(map(math.isfinite, found.interval)):
            low, high = map(x, found.interval)
            yield f'<line class="bar" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        if math.isfinite(found.mean):
            yield f'<circle class="mean" cx="{x(found.mean)}" cy="{y}" r="5"/>'
        if mark.paper is not None:
            yield _diamond(float(x(mark.paper)), y)


def _legend(top: float) -> list[str]:
    y, x = top + 6, float(_LEFT_PX)
    return [
        f'<circle class="mean" cx="{x}" cy="{y - 4}" r="5"/>',
        f'<text class="soft" x="{x + 12}" y="{y}">mean, with its 95 % interval over splits</text>',
        f'<circle class="split" cx="{x + 268}" cy="{y - 4}" r="2.5"/>',
        f'<text class="soft" x="{x + 278}" y="{y}">a split</text>',
        _diamond(x + 340, y - 4),
        f'<text class="soft" x="{x + 352}" y="{y}">the paper\'s, on ARGO1M</text>',
    ]


def _shown(mark: _Mark) -> list[float]:
    values = [*mark.by_split, mark.estimate.mean, *(mark.estimate.interval or ())]
    values += [] if mark.paper is None else [mark.paper]
    return [value for value in values if math.isfinite(value)]


def _diamond(x: float, y: float) -> str:
    return f'<path class="cited" d="M {x:.1f} {y - 6} l 6 6 l -6 6 l -6 -6 z"/>'


def _text(text: str) -> str:
    return escape(printable(text))
