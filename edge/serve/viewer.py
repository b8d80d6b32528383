"""One browser's view: the app with snapshots from the gallery. Its only argument is the gallery's socket."""

from __future__ import annotations

import signal
import socket
import sys
from dataclasses import replace

from edge.contract import Snapshot
from edge.live.lifeline import signal_at_parents_death
from edge.live.link import Link, LinkClosed
from edge.live.screen import LiveControls, yield_to_inference
from edge.tui.app import EgoactApp


def main() -> None:
    """Until the browser leaves, or its user presses q; the run goes on."""
    signal_at_parents_death(signal.SIGKILL)
    yield_to_inference()
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(sys.argv[-1])
    link = Link(end)
    newest: Snapshot | None = None

    def latest() -> Snapshot | None:
        nonlocal newest
        try:
            while (snapshot := link.receive()) is not None:
                newest = snapshot
        except LinkClosed:
            if newest is not None and newest.problem is None and not newest.finished:
                newest = replace(newest, problem="the run has ended, or too many browsers watch it")
        return newest

    controls = LiveControls(link.send)
    EgoactApp(latest, lambda: None, controls=controls, flag=controls.flag).run()
