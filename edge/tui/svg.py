"""Makes an exported screen a picture that stands alone: no web fonts, no leading spaces."""

from __future__ import annotations

import re

_FONT_DOWNLOAD = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_LED_TEXT = re.compile(r'x="([\d.]+)"( y="[\d.]+") textLength="([\d.]+)"([^>]*)>((?:&#160;)+)')
_CELL_PX = 12.2
"""Width of a cell in the exporter's pictures."""


def standalone(svg: str) -> str:
    """The exporter's SVG so that it loads nothing from the network and looks the same in every viewer."""
    return _LED_TEXT.sub(_without_lead, _own_fonts(svg))


def _own_fonts(svg: str) -> str:
    """No web font (a picture must load nothing from the network), and the size at which a cell of ours is as wide."""
    svg = _FONT_DOWNLOAD.sub("", svg).replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    return svg.replace("font-size: 20px", f"font-size: {_CELL_PX / 0.602:.2f}px")


def _without_lead(match: re.Match[str]) -> str:
    """Leading spaces as a shift of the text: some viewers drop them."""
    x, y, length, rest, lead = match.groups()
    shift = lead.count("&") * _CELL_PX
    return f'x="{float(x) + shift:.1f}"{y} textLength="{max(float(length) - shift, 0):.1f}"{rest}>'
