"""One live run from its start to its summary: signals, the view, what is printed, the exit code."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType
from typing import Literal

from edge.contract import Segment, Snapshot
from edge.errors import EgoactError
from edge.live.plan import LivePlan
from edge.live.supervisor import Supervisor
from edge.plain import PlainView
from edge.serve.address import WebAddress

ViewKind = Literal["headless", "plain", "tui"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.1


def run_live(plan: LivePlan, view: ViewKind, duration_s: float | None = None, address: WebAddress | None = None) -> int:
    """Run until the user, a signal, the duration or an error ends it.

    Returns 0, or 128 + the number of the signal that ended it.

    Raises:
        EgoactError: what ended the run, or results could not be written; the summary is printed before.
    """
    supervisor = Supervisor(plan)
    screen = PlainView(sys.stdout)
    with _stopped_by_signals(supervisor) as received, _in_a_browser(supervisor, address) as url:
        supervisor.start()
        try:
            if view == "tui":
                _watch_in_tui(supervisor, duration_s, url)
            else:
                if url is not None:
                    print(f"in a browser: {url}", file=sys.stderr)
                _watch(supervisor, _Lines(screen) if view == "plain" else None, duration_s)
        except Exception:
            # A terminal that hung up fails its view in many ways: the signal is the reason.
            if not received:
                raise
        finally:
            supervisor.stop()
            while not supervisor.wait(_POLL_S):
                pass  # in slices, so that a second signal is heard
    if supervisor.result is not None:
        with suppress(OSError):  # the terminal may be gone
            screen.summary(supervisor.result)
    if supervisor.error is not None:
        raise supervisor.error
    if received:
        return 128 + received[0]
    if supervisor.problem is not None:
        raise EgoactError(supervisor.problem)
    return 0


def _watch(supervisor: Supervisor, lines: _Lines | None, duration_s: float | None) -> None:
    until_s: float | None = None
    while supervisor.alive and not supervisor.stopping:
        time.sleep(_POLL_S)
        snapshot = supervisor.latest()
        if lines is not None:
            lines.show(snapshot)
        if duration_s is not None and until_s is None and snapshot.labels:
            until_s = time.monotonic() + duration_s
        if until_s is not None and time.monotonic() >= until_s:
            return


def _watch_in_tui(supervisor: Supervisor, duration_s: float | None, url: str | None) -> None:
    from edge.live.screen import show_live  # Textual only when it is wanted

    show_live(supervisor, duration_s, url)


@contextmanager
def _in_a_browser(supervisor: Supervisor, address: WebAddress | None) -> Iterator[str | None]:
    """Inside, the run is shown at the address that is yielded, if it was asked for."""
    if address is None:
        yield None
        return
    try:
        from edge.serve.door import WebDoor
        from edge.serve.gallery import Gallery
    except ModuleNotFoundError as error:
        raise EgoactError(f"--serve: {error.name} is not installed; pip install 'egoact[serve]'") from error
    with (
        closing(Gallery(supervisor.pictured, supervisor.ask)) as gallery,
        closing(WebDoor(address, gallery.path)) as door,
    ):
        yield door.url


class _Lines:
    """Plain lines: events and closed segments, each once."""

    def __init__(self, screen: PlainView) -> None:
        self._screen = screen
        self._segments = 0
        self._events: tuple[str, ...] = ()

    def show(self, snapshot: Snapshot) -> None:
        for text in _new(self._events, snapshot.events):
            self._screen.title(text)
        self._events = snapshot.events
        count = snapshot.telemetry.segments - self._segments
        closed: tuple[Segment, ...] = snapshot.closed_segments[-count:] if count else ()
        self._segments = snapshot.telemetry.segments
        for segment in closed:
            self._screen.segment(segment, snapshot.labels)


def _new(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """What was appended to a log whose oldest lines fall away."""
    for shift in range(len(before) + 1):
        if before[shift:] == after[: len(before) - shift]:
            return after[len(before) - shift :]
    return after


@contextmanager
def _stopped_by_signals(supervisor: Supervisor) -> Iterator[list[int]]:
    """Inside, the first signal asks for a clean end, the second one for an end; yields the signals so far.

    A signal that is ignored, as by nohup or in a shell's background, stays so.
    """
    received: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            supervisor.stop()
        else:
            supervisor.hurry()

    heeded = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
