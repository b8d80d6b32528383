"""The one widget behind every text panel: draws a snapshot as lines, and repaints only when they changed."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widget import Widget

from edge.contract import Snapshot
from edge.tui.lines import Line, content

Draw = Callable[[Snapshot, int, int], list[Line]]
"""(snapshot, width in cells, height in rows) -> the lines of the panel."""


class Panel(Widget):
    """Shows what `draw` makes of the newest snapshot in the space that the layout gives."""

    def __init__(
        self, draw: Draw, first: Snapshot, *, id: str | None = None, classes: str = "", title: str = ""
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._snapshot = first
        self._lines: list[Line] = []
        self.border_title = title

    def show(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot."""
        self._snapshot = snapshot
        lines = self._draw_lines()
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def on_resize(self) -> None:
        self.show(self._snapshot)

    def render(self) -> Content:
        return content(self._lines, light=not self.app.current_theme.dark)

    def _draw_lines(self) -> list[Line]:
        width, height = self.size
        return self._draw(self._snapshot, width, height)[:height] if width and height else []
