"""The Textual app: polls one snapshot a tick and hands it to every panel; it touches no ring and no engine."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar, Protocol

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.widgets import ContentSwitcher, Footer, Static

from edge.contract import Modality, Snapshot, Telemetry
from edge.tui.devices import device_lines
from edge.tui.engines import engine_lines
from edge.tui.header import header_lines
from edge.tui.help import help_lines
from edge.tui.lines import Line, content
from edge.tui.link_pace import LinkPace
from edge.tui.live_page import LivePage
from edge.tui.panel import Draw, Panel
from edge.tui.preview import PreviewPanel
from edge.tui.style import CSS, FULL_COLUMNS, FULL_ROWS
from edge.tui.svg import standalone
from edge.tui.themes import NIGHT, THEMES
from edge.tui.timeline import time_at

TICK_S = 0.1
URL_S = 30.0
_TALL_ROWS, _ROOMY_ROWS = 40, 24
_LOWEST, _HIGHEST = 0.1, 0.95
"""Bounds of the threshold that keys can set."""
_NOTHING_YET = Snapshot("", 0, (), None, None, (), (), None, None, Telemetry(), ())
_NEEDS = {
    **dict.fromkeys(("mask", "threshold"), "controls"),
    "flag": "flag",
    **dict.fromkeys(("seek", "go_to", "speed"), "transport"),
    "disagreement": "truth",
}
"""Action -> what it cannot do without."""


class Controls(Protocol):
    """What a user can change in a run that goes on."""

    def mask(self, modalities: frozenset[Modality]) -> None:
        """Keep these from the model."""

    def set_threshold(self, on: float) -> None:
        """Open segments at this probability."""


class Steering(Protocol):
    """What a user can do with a recorded clip: see `edge.replay.transport`."""

    def pause(self) -> None: ...

    def seek(self, seconds: float) -> None: ...

    def go_to(self, position_ns: int) -> None: ...

    def change_speed(self, factor: float) -> None: ...

    def next_disagreement(self, direction: int) -> None: ...


class EgoactApp(App[None]):
    """Shows a running stream.

    `latest` gives the newest snapshot, or None before there is one; it is called ten times a second at most and must
    return at once. `stop` is called when the user quits; it must not block (ask the pipeline to stop, do not wait for
    it), nor must `controls`, `transport` (of a recorded clip) and `flag` (save the moment), without which the keys for
    them are not offered.
    `url`, where a browser sees the same, is told at the start.
    With `exit_when_finished` the app ends by itself after it has shown a finished snapshot.
    """

    CSS = CSS
    TITLE = "egoact"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit"),
        Binding("ctrl+c,ctrl+q", "leave", "quit", show=False, priority=True),
        Binding("space", "pause", "pause", key_display="space"),
        Binding("left", "seek(-5)", "5 s", key_display="←", priority=True),
        Binding("right", "seek(5)", "5 s", key_display="→", priority=True),
        Binding("shift+left", "seek(-30)", show=False),
        Binding("shift+right", "seek(30)", show=False),
        Binding("home", "go_to(0)", show=False),
        Binding("end", "go_to(1)", show=False),
        Binding("left_square_bracket", "speed(0.5)", "slower", key_display="["),
        Binding("right_square_bracket", "speed(2.0)", "faster", key_display="]"),
        Binding("n", "disagreement(1)", "next error"),
        Binding("N", "disagreement(-1)", show=False),
        Binding("f", "flag", "flag"),
        Binding("question_mark", "page('help')", "help", key_display="?"),
        Binding("v", "mask('video')", "video"),
        Binding("a", "mask('audio')", "audio"),
        Binding("d", "page('devices')", "devices"),
        Binding("e", "page('engines')", "engines"),
        Binding("l,escape", "page('live')", "live", key_display="l"),
        Binding("p", "preview", "preview"),
        Binding("minus", "threshold(-0.05)", "lower", key_display="-"),
        Binding("plus,equals_sign", "threshold(0.05)", "raise threshold", key_display="+"),
        Binding("t", "theme", "theme"),
        Binding("s", "picture", "picture"),
    ]

    def __init__(
        self,
        latest: Callable[[], Snapshot | None],
        stop: Callable[[], None],
        *,
        controls: Controls | None = None,
        transport: Steering | None = None,
        flag: Callable[[], None] | None = None,
        url: str | None = None,
        exit_when_finished: bool = False,
    ) -> None:
        super().__init__()
        self.link_busy: Callable[[], bool] = lambda: False
        """Whether what was drawn last is still on its way to the terminal; then nothing is drawn."""
        self._latest, self._stop = latest, stop
        self._controls, self._flag, self._transport = controls, flag, transport
        self._exit_when_finished = exit_when_finished
        self._url = url
        self._shown = _NOTHING_YET
        self._paused = False
        self._compact = False
        self._preview_wanted: dict[bool, bool] = {False: True, True: False}  # by compact: a small screen starts without
        self._link = LinkPace()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = NIGHT.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own names of colours, also for a theme that lacks them."""
        return NIGHT.variables

    def compose(self) -> ComposeResult:
        yield Panel(self._header, _NOTHING_YET, id="header")
        with ContentSwitcher(id="pages", initial="live"):
            yield LivePage(_NOTHING_YET)
            yield self._page(device_lines, "devices")
            yield self._page(engine_lines, "engines")
            with VerticalScroll(id="help", classes="page box") as page:
                page.border_title = "help"
                yield Static(content(help_lines()))
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._lay_out(self.size)
        self.set_interval(TICK_S, self._tick)
        self._tick()
        if self._url is not None:
            self.notify(self._url, title="in a browser", timeout=URL_S, markup=False)

    def on_resize(self, event: events.Resize) -> None:
        # `self.size` is still the old one while the event is handled.
        self._lay_out(event.size)

    def action_leave(self) -> None:
        self._stop()
        self.exit()

    def action_pause(self) -> None:
        if self._transport is not None:
            self._transport.pause()
            return
        self._paused = not self._paused
        self.query_one("#header", Panel).show(self._shown)

    def action_flag(self) -> None:
        if self._flag is not None:
            self._flag()

    def action_seek(self, seconds: float) -> None:
        if self._transport is not None:
            self._transport.seek(seconds)

    def action_go_to(self, end: int) -> None:
        """The beginning of the clip, or its end."""
        if self._transport is not None:
            self._transport.go_to(sys.maxsize if end else 0)

    def action_speed(self, factor: float) -> None:
        if self._transport is not None:
            self._transport.change_speed(factor)

    def action_disagreement(self, direction: int) -> None:
        if self._transport is not None:
            self._transport.next_disagreement(direction)

    def on_click(self, event: events.Click) -> None:
        """The timeline is also a place to point at."""
        place = self.query_one("#timeline").content_region
        on_live_page = self.query_one(ContentSwitcher).current == "live"
        if self._transport is None or not on_live_page or not place.contains_point(event.screen_offset):
            return
        position_ns = time_at(self._shown, place.width, event.screen_x - place.x)
        if position_ns is not None:
            self._transport.go_to(position_ns)

    def action_page(self, name: str) -> None:
        """Show a page; its own key leads back to the live one."""
        pages = self.query_one(ContentSwitcher)
        pages.current = "live" if pages.current == name else name
        if pages.current == "help":
            self.call_after_refresh(self.query_one("#help").focus)  # for the arrow keys, once it is there
        else:
            self.set_focus(None)

    def action_preview(self) -> None:
        self._preview_wanted[self._compact] = not self._preview_wanted[self._compact]
        self._lay_out(self.size)

    def action_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def action_picture(self) -> None:
        """Save the screen: in the working directory, or through the browser."""
        name = f"egoact-{datetime.now():%Y%m%dT%H%M%S}.svg"
        svg = standalone(self.export_screenshot(title="egoact", simplify=True))
        self.deliver_text(io.StringIO(svg), save_directory=os.getcwd(), save_filename=name, open_method="download")

    def on_delivery_complete(self, event: events.DeliveryComplete) -> None:
        if event.path is not None:
            self.notify(f"picture saved: {event.path.name}", markup=False)

    def on_delivery_failed(self, event: events.DeliveryFailed) -> None:
        self.notify(f"picture not saved: {event.exception}", severity="error", markup=False)

    def action_mask(self, modality: Modality) -> None:
        if self._controls is not None:
            self._controls.mask(self._shown.masked ^ {modality})

    def action_threshold(self, step: float) -> None:
        if self._controls is not None and self._shown.threshold is not None:
            self._controls.set_threshold(min(max(round(self._shown.threshold + step, 2), _LOWEST), _HIGHEST))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not offered."""
        steered = self._shown.playback is not None
        there = {
            "controls": self._controls is not None and not steered,  # what is shown then was computed before
            "flag": self._flag is not None,
            "transport": self._transport is not None,
            "truth": self._transport is not None and bool(self._shown.truth),
        }
        return there.get(_NEEDS.get(action, ""), True)

    def _tick(self) -> None:
        busy = self.link_busy()
        if self._link.tick(busy) and self._preview_wanted[self._compact]:
            self.action_preview()
            self.notify("slow link: preview is off, p brings it back")
        snapshot = self._latest()  # always: it is also how the end of the run is noticed
        if self._paused or busy or snapshot is None or snapshot is self._shown:
            return
        annotated = bool(snapshot.truth) != bool(self._shown.truth)
        steered = (snapshot.playback is None) != (self._shown.playback is None)
        self._shown = snapshot
        if annotated or steered:
            self.refresh_bindings()
        if annotated:
            self._lay_out(self.size)
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
        self.screen.set_class(self._compact, "compact")
        self.screen.set_class(height >= _TALL_ROWS and not self._compact, "tall")
        self.screen.set_class(height >= _ROOMY_ROWS and self._compact, "roomy")
        self.query_one(LivePage).take_form(
            compact=self._compact, preview=self._preview_wanted[self._compact], annotated=bool(self._shown.truth)
        )
        for panel in self._panels():
            panel.show(self._shown)

    def _header(self, snapshot: Snapshot, width: int, height: int) -> list[Line]:
        return header_lines(snapshot, width, paused=self._paused)

    def _page(self, draw: Draw, name: str) -> Panel:
        return Panel(draw, _NOTHING_YET, id=name, classes="page box", title=name)
