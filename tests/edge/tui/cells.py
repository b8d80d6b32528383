"""An exported screen as text that a person can compare: its letters, and the colours of every cell below them."""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree

from tests.edge.tui.screens import CELL_PX, svg_text

_SVG = "{http://www.w3.org/2000/svg}"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_RULE = re.compile(r"\.(\S+-r\d+)\s*\{\s*(.*?)\s*\}")


def described(svg: str) -> str:
    """The text of the screen, a blank line, one letter a cell for its style, and what the letters mean."""
    styles = dict(_RULE.findall(svg))
    rows: dict[float, dict[int, str]] = defaultdict(dict)
    for element in ElementTree.fromstring(svg).iter(f"{_SVG}text"):
        if element.get("clip-path"):
            first, row = round(float(element.get("x", "")) / CELL_PX), rows[float(element.get("y", ""))]
            style = styles[element.get("class", "")]
            row.update({first + at: style for at in range(len((element.text or "").rstrip("\n")))})
    seen: dict[str, str] = {}
    lines = []
    for y in sorted(rows):
        cells = [" "] * (max(rows[y], default=-1) + 1)
        for column, style in sorted(rows[y].items()):
            cells[column] = seen.setdefault(style, _LETTERS[min(len(seen), len(_LETTERS) - 1)])
        lines.append("".join(cells).rstrip())
    legend = [f"{letter} = {style}" for style, letter in seen.items()]
    return "\n".join([*(line.rstrip() for line in svg_text(svg).splitlines()), "", *lines, "", *legend, ""])
