"""A table as a picture (SVG 1.1): a mean with its interval a row, its splits as small dots, the paper's mean beside it.

It brings its own background, light or dark as the reader's page prefers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from edge.text import printable
from trainer.tables.summary import PanelSummary, RowSummary

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
.split { fill: #2f6fb5; fill-opacity: 0.3; }
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


def table_svg(title: str, panels: Sequence[PanelSummary]) -> str:
    """SVG text, the panels one below the other, each with an axis of its own."""
    top, body = _TITLE_PX, [f'<text class="title" x="20" y="28">{_text(title)}</text>']
    for panel in panels:
        body += _panel(panel, top)
        top += _panel_px(panel)
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


def _panel(panel: PanelSummary, top: float) -> Iterator[str]:
    first, last, step = axis([v for row in panel.rows for v in _shown(row)])
    scale = (_WIDTH_PX - _LEFT_PX - _RIGHT_PX) / max(last - first, step)
    bottom = top + _PANEL_TITLE_PX + _ROW_PX * len(panel.rows)

    def x(value: float) -> str:
        return f"{_LEFT_PX + (value - first) * scale:.1f}"

    yield f'<text x="20" y="{top + 14}">{_text(panel.title)}</text>'
    for tick in range(round((last - first) / step) + 1):
        value = first + tick * step
        yield f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{top + _PANEL_TITLE_PX - 6}" y2="{bottom}"/>'
        yield f'<text class="soft" x="{x(value)}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
    for number, row in enumerate(panel.rows):
        y = top + _PANEL_TITLE_PX + _ROW_PX * number + _ROW_PX / 2 - 3
        yield f'<text x="{_LEFT_PX - 12}" y="{y + 4}" text-anchor="end">{_text(row.title)}</text>'
        for value in filter(math.isfinite, row.by_split):
            yield f'<circle class="split" cx="{x(value)}" cy="{y}" r="2.5"/>'
        if row.estimate.interval is not None and all(map(math.isfinite, row.estimate.interval)):
            low, high = map(x, row.estimate.interval)
            yield f'<line class="bar" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        if math.isfinite(row.estimate.mean):
            yield f'<circle class="mean" cx="{x(row.estimate.mean)}" cy="{y}" r="5"/>'
        if row.paper_mean is not None:
            yield _diamond(float(x(row.paper_mean)), y)


def _legend(top: float) -> list[str]:
    y, x = top + 6, float(_LEFT_PX)
    return [
        f'<circle class="mean" cx="{x}" cy="{y - 4}" r="5"/>',
        f'<text class="soft" x="{x + 12}" y="{y}">mean, with its 95 % interval over splits</text>',
        f'<circle class="split" cx="{x + 268}" cy="{y - 4}" r="2.5"/>',
        f'<text class="soft" x="{x + 278}" y="{y}">a split</text>',
        _diamond(x + 340, y - 4),
        f'<text class="soft" x="{x + 352}" y="{y}">the paper\'s mean (ARGO1M)</text>',
    ]


def _shown(row: RowSummary) -> list[float]:
    values = [*row.by_split, row.estimate.mean, *(row.estimate.interval or ())]
    values += [] if row.paper_mean is None else [row.paper_mean]
    return [value for value in values if math.isfinite(value)]


def _panel_px(panel: PanelSummary) -> int:
    return _PANEL_TITLE_PX + _ROW_PX * len(panel.rows) + _AXIS_PX


def _diamond(x: float, y: float) -> str:
    return f'<path class="cited" d="M {x:.1f} {y - 6} l 6 6 l -6 6 l -6 -6 z"/>'


def _text(text: str) -> str:
    return escape(printable(text))
