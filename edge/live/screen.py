"""The terminal view of a live run: the supervisor's snapshots with the picture from the shared ring."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from edge.contract import Modality, Snapshot
from edge.live.messages import Flag, Mask, Threshold
from edge.live.supervisor import Supervisor
from edge.tui.app import EgoactApp
from edge.tui.run import log_file
from edge.tui.terminal import run_on_terminal

VIEW_NICENESS = 10


def show_live(supervisor: Supervisor, duration_s: float | None, url: str | None = None) -> None:
    """Until the user quits, the run ends, or it has lasted `duration_s` since its first snapshot.

    `url` is where a browser sees the same.

    Raises:
        EgoactError: the terminal view failed.
    """
    until_s: float | None = None

    def latest() -> Snapshot | None:
        nonlocal until_s
        snapshot = supervisor.latest()
        if until_s is None and duration_s is not None and snapshot.labels:
            until_s = time.monotonic() + duration_s
        over = until_s is not None and time.monotonic() >= until_s
        if over or supervisor.stopping or not supervisor.alive:
            app.exit()
            return None
        return supervisor.pictured()

    controls = LiveControls(supervisor.ask)
    app = EgoactApp(latest, supervisor.stop, controls=controls, flag=controls.flag, url=url)
    yield_to_inference()
    with log_file() as log:
        run_on_terminal(app, log)


def yield_to_inference() -> None:
    """Lower the priority of this thread and those that it starts: a late picture is better than a late label."""
    # Linux counts niceness by thread (setpriority(2), C library/kernel differences): the supervisor's stays.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), VIEW_NICENESS)


class LiveControls:
    """What keys ask for, sent to the inference process."""

    def __init__(self, ask: Callable[[object], object]) -> None:
        self._ask = ask

    def flag(self) -> None:
        """Save the moment that just passed."""
        self._ask(Flag())

    def mask(self, modalities: frozenset[Modality]) -> None:
        self._ask(Mask(modalities))

    def set_threshold(self, on: float) -> None:
        self._ask(Threshold(on))
