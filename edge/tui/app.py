"""The Textual app: polls one snapshot a tick and hands it to every panel; it touches no ring and no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Footer, Static

from edge.contract import MODES, Modality, Snapshot, Telemetry
from edge.tui.columns import COLUMN_TITLES, column_lines
from edge.tui.events import event_lines
from edge.tui.header import header_lines
from edge.tui.help import help_lines
from edge.tui.label import label_lines
from edge.tui.lines import Line, content
from edge.tui.panel import Draw, Panel
from edge.tui.preview import PreviewPanel
from edge.tui.segments import segment_lines
from edge.tui.style import CSS, FULL_COLUMNS, FULL_ROWS, THEME
from edge.tui.telemetry import telemetry_lines
from edge.tui.timeline import timeline_lines

TICK_S = 0.1
_TALL_ROWS, _ROOMY_ROWS = 40, 24
_LOWEST, _HIGHEST = 0.1, 0.95
"""Bounds of the threshold that keys can set."""
_NOTHING_YET = Snapshot("", 0, (), None, None, (), (), None, None, Telemetry(), ())


class Controls(Protocol):
    """What a user can change in a run that goes on."""

    def mask(self, modalities: frozenset[Modality]) -> None:
        """Keep these from the model."""

    def set_threshold(self, on: float) -> None:
        """Open segments at this probability."""


class EgoactApp(App[None]):
    """Shows a running stream.

    `latest` gives the newest snapshot, or None before there is one; it is called ten times a second and must return at
    once. `stop` is called when the user quits; it must not block (ask the pipeline to stop, do not wait for it), nor
    must `controls`, without which the run cannot be changed.
    With `exit_when_finished` the app ends by itself after it has shown a finished snapshot.
    """

    CSS = CSS
    TITLE = "egoact"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit"),
        Binding("ctrl+c,ctrl+q", "leave", "quit", show=False, priority=True),
        Binding("p", "pause", "pause display"),
        Binding("v", "preview", "preview"),
        Binding("c", "mask('video')", "camera to model"),
        Binding("m", "mask('audio')", "microphone to model"),
        Binding("minus", "threshold(-0.05)", show=False),
        Binding("plus,equals_sign", "threshold(0.05)", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
    ]

    def __init__(
        self,
        latest: Callable[[], Snapshot | None],
        stop: Callable[[], None],
        *,
        controls: Controls | None = None,
        exit_when_finished: bool = False,
    ) -> None:
        super().__init__()
        self._controls = controls
        self._latest = latest
        self._stop = stop
        self._exit_when_finished = exit_when_finished
        self._shown = _NOTHING_YET
        self._paused = False
        self._compact = False
        self._preview_wanted: dict[bool, bool] = {False: True, True: False}  # by compact: a small screen starts without

    def compose(self) -> ComposeResult:
        yield self._panel(lambda s, width, _: header_lines(s, width, paused=self._paused), "header", boxed=False)
        with Horizontal(id="top"):
            yield PreviewPanel(id="preview", classes="box")
            with Vertical(id="answer"):
                yield self._panel(label_lines, "label", "label")
                with Horizontal(id="columns"):
                    for index, mode in enumerate(MODES):
                        yield self._panel(self._column(index), f"column-{mode}", COLUMN_TITLES[index], "column")
        yield self._panel(timeline_lines, "timeline", "timeline")
        with Horizontal(id="bottom"):
            yield self._panel(segment_lines, "segments", "segments")
            yield self._panel(telemetry_lines, "telemetry", "telemetry")
            yield self._panel(event_lines, "events", "events")
        help_box = Static(content(help_lines()), id="help")
        help_box.border_title = "help"
        yield help_box
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.register_theme(THEME)
        self.theme = THEME.name
        self._lay_out(self.size)
        self.set_interval(TICK_S, self._tick)
        self._tick()

    def on_resize(self, event: events.Resize) -> None:
        # `self.size` is still the old one while the event is handled.
        self._lay_out(event.size)

    def action_leave(self) -> None:
        self._stop()
        self.exit()

    def action_pause(self) -> None:
        self._paused = not self._paused
        self.query_one("#header", Panel).show(self._shown)

    def action_preview(self) -> None:
        self._preview_wanted[self._compact] = not self._preview_wanted[self._compact]
        self._lay_out(self.size)

    def action_mask(self, modality: Modality) -> None:
        if self._controls is not None:
            self._controls.mask(self._shown.masked ^ {modality})

    def action_threshold(self, step: float) -> None:
        if self._controls is not None and self._shown.threshold is not None:
            self._controls.set_threshold(min(max(round(self._shown.threshold + step, 2), _LOWEST), _HIGHEST))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not offered."""
        return self._controls is not None or action not in ("mask", "threshold")

    def action_help(self) -> None:
        self.query_one("#help").toggle_class("shown")

    def _tick(self) -> None:
        if self._paused:
            return
        snapshot = self._latest()
        if snapshot is None or snapshot is self._shown:
            return
        if bool(snapshot.truth) != bool(self._shown.truth):
            self.query_one("#timeline").set_class(bool(snapshot.truth), "with-truth")
        self._shown = snapshot
        for panel in self._panels():
            panel.show(snapshot)
        if snapshot.finished and self._exit_when_finished:
            self.exit()

    def _panels(self) -> Iterator[Panel | PreviewPanel]:
        yield from self.query(Panel)
        yield self.query_one(PreviewPanel)

    def _lay_out(self, size: Size) -> None:
        """Choose the full or the compact form by the size of the terminal."""
        width, height = size
        self._compact = width < FULL_COLUMNS or height < FULL_ROWS
        preview = self._preview_wanted[self._compact]
        self.screen.set_class(self._compact, "compact")
        self.screen.set_class(height >= _TALL_ROWS and not self._compact, "tall")
        self.screen.set_class(height >= _ROOMY_ROWS and self._compact, "roomy")
        self.query_one("#preview").set_class(not preview, "hidden")
        for panel in self._panels():
            panel.show(self._shown)

    def _column(self, mode_index: int) -> Draw:
        def draw(snapshot: Snapshot, width: int, height: int) -> list[Line]:
            return column_lines(snapshot, mode_index, width, height, titled=self._compact)

        return draw

    def _panel(self, draw: Draw, id: str, title: str = "", classes: str = "", *, boxed: bool = True) -> Panel:
        return Panel(draw, _NOTHING_YET, id=id, classes=f"{classes} box" if boxed else classes, title=title)
