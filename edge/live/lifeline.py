"""A child never outlives the main process, whatever ends that one."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from edge.live.link import Link, LinkClosed

_PR_SET_PDEATHSIG = 1
_GRACE_S = 5.0


def signal_at_parents_death(number: signal.Signals) -> None:
    """Ask the kernel for a signal when the thread that started this process ends (prctl(2), PR_SET_PDEATHSIG).

    SIGKILL works in a hung read too. The main process may have died before this call: then the link is closed.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def listen(link: Link, on_message: Callable[[Any], None], on_parent_gone: Callable[[], None]) -> None:
    """Start the thread that takes the main process's messages; when that one is gone this process ends for certain."""

    def loop() -> None:
        try:
            while True:
                on_message(link.receive(None))
        except LinkClosed:
            on_parent_gone()
            deadline = threading.Timer(_GRACE_S, os._exit, (1,))
            deadline.daemon = True
            deadline.start()

    threading.Thread(target=loop, name="main's messages", daemon=True).start()
