"""A reliability diagram: how often a label of each confidence was right (SVG 1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from edge.verify.reliability import Bin

_SIDE_PX, _LEFT_PX, _TOP_PX = 220, 44, 12
_STYLE = """
text { font: 11px "DejaVu Sans", Verdana, sans-serif; fill: #66707b; }
.paper { fill: #ffffff; stroke: #d5dae0; }
.bar { fill: #7ab5f0; }
.even { stroke: #8b929c; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) { .paper { fill: #15191e; stroke: #2e353d; } text { fill: #97a1ac; } }
"""


def reliability_svg(bins: tuple[Bin, ...]) -> str:
    """Bars of accuracy by confidence, their opacity the share of the rows; on the dashed line confidence is honest."""
    width, height = _LEFT_PX + _SIDE_PX + 14, _TOP_PX + _SIDE_PX + 40
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}">',
            "<title>Share of right labels by confidence</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" x="{_LEFT_PX}" y="{_TOP_PX}" width="{_SIDE_PX}" height="{_SIDE_PX}"/>',
            *_bars(bins),
            f'<line class="even" x1="{_LEFT_PX}" y1="{_TOP_PX + _SIDE_PX}" x2="{_LEFT_PX + _SIDE_PX}" y2="{_TOP_PX}"/>',
            *_axes(),
            "</svg>\n",
        ]
    )


def _bars(bins: tuple[Bin, ...]) -> Iterator[str]:
    most = max((b.rows for b in bins), default=0)
    for b in bins:
        if b.rows:
            x, width = _LEFT_PX + b.low * _SIDE_PX, (b.high - b.low) * _SIDE_PX - 1
            high = b.accuracy * _SIDE_PX
            yield (
                f'<rect class="bar" x="{x:.1f}" y="{_TOP_PX + _SIDE_PX - high:.1f}" width="{width:.1f}" '
                f'height="{high:.1f}" opacity="{0.25 + 0.75 * b.rows / most:.2f}">'
                f"<title>{b.rows} rows, confidence {b.confidence:.2f}, right {b.accuracy:.2f}</title></rect>"
            )


def _axes() -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        x, y = _LEFT_PX + share * _SIDE_PX, _TOP_PX + (1 - share) * _SIDE_PX
        yield f'<text x="{x:.1f}" y="{_TOP_PX + _SIDE_PX + 16}" text-anchor="middle">{share:g}</text>'
        yield f'<text x="{_LEFT_PX - 6}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>'
    yield f'<text x="{_LEFT_PX + _SIDE_PX / 2}" y="{_TOP_PX + _SIDE_PX + 32}" text-anchor="middle">confidence</text>'
    middle = _TOP_PX + _SIDE_PX / 2
    yield f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">right</text>'
