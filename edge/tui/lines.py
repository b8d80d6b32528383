"""Styled lines: what a panel draws, as plain data that a test can read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from edge.tui.ink import on_light
from edge.tui.style import TRACK

Piece = tuple[str, str]
"""(text, style as Textual parses it, for example 'bold #ff0000 on #000000')."""
Line = list[Piece]

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def content(lines: Sequence[Line], *, light: bool = False) -> Content:
    """The lines as Textual content, for a `light` theme or a dark one."""
    pieces: list[Piece] = []
    for index, line in enumerate(lines):
        if index:
            pieces.append(("\n", ""))
        pieces.extend([(text, on_light(style)) for text, style in line] if light else line)
    return Content.assemble(*pieces)


def text_of(lines: Sequence[Line]) -> str:
    """The lines without their styles."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


def bar(share: float, cells: int, colour: str) -> Piece:
    """A horizontal bar of exactly `cells` cells, filled to `share` (0..1) in steps of an eighth of a cell."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    return filled.ljust(cells), f"{colour} on {TRACK}"
