"""The page of the live picture: camera, label, three columns, sound, timeline, segments, telemetry, events."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from edge.contract import MODES, Snapshot
from edge.tui.columns import COLUMN_TITLES, column_lines
from edge.tui.events import event_lines
from edge.tui.label import label_lines
from edge.tui.lines import Line
from edge.tui.panel import Draw, Panel
from edge.tui.preview import PreviewPanel
from edge.tui.segments import segment_lines
from edge.tui.sound import sound_lines
from edge.tui.telemetry import telemetry_lines
from edge.tui.timeline import timeline_lines


class LivePage(Vertical):
    """Its panels take the snapshots; it only arranges them."""

    def __init__(self, first: Snapshot) -> None:
        super().__init__(id="live")
        self._first = first
        self._compact = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield PreviewPanel(id="preview", classes="box")
            with Vertical(id="answer"):
                yield self._panel(label_lines, "label", "label")
                with Horizontal(id="columns"):
                    for index, mode in enumerate(MODES):
                        yield self._panel(self._column(index), f"column-{mode}", COLUMN_TITLES[index], "column")
        yield Panel(sound_lines, self._first, id="sound")
        yield self._panel(timeline_lines, "timeline", "timeline")
        with Horizontal(id="bottom"):
            yield self._panel(segment_lines, "segments", "segments")
            yield self._panel(telemetry_lines, "telemetry", "telemetry")
            yield self._panel(event_lines, "events", "events")

    def take_form(self, *, compact: bool, preview: bool, annotated: bool) -> None:
        """Which panels are there, and in which form."""
        self._compact = compact
        self.query_one("#preview").set_class(not preview, "hidden")
        self.query_one("#timeline").set_class(annotated, "with-truth")

    def _column(self, mode_index: int) -> Draw:
        def draw(snapshot: Snapshot, width: int, height: int) -> list[Line]:
            return column_lines(snapshot, mode_index, width, height, titled=self._compact)

        return draw

    def _panel(self, draw: Draw, id: str, title: str, classes: str = "") -> Panel:
        return Panel(draw, self._first, id=id, classes=f"{classes} box", title=title)
