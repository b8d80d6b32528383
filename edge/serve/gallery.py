"""Snapshots for the viewer processes, and what their keys ask for, over a local socket that nobody else can reach."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace

from edge.contract import Snapshot
from edge.live.link import Link, LinkClosed
from edge.live.messages import Flag, Mask, Threshold
from edge.scratch import scratch_folder

PERIOD_S = 0.1
MOST_VIEWERS = 4
"""A viewer takes a fifth of a core, which inference needs."""
_PREVIEW_PX = 128


class Gallery:
    """A thread that shows everybody the newest snapshot ten times a second; `close` ends it."""

    def __init__(self, latest: Callable[[], Snapshot], ask: Callable[[object], object]) -> None:
        """`ask` takes what keys ask for."""
        self._latest, self._ask = latest, ask
        self._scratch = contextlib.ExitStack()
        # Mode 700: nobody else gets at the socket.
        self.path = self._scratch.enter_context(scratch_folder()) / "view"
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(os.fspath(self.path))
        self._door.listen(MOST_VIEWERS)
        self._door.setblocking(False)
        self._viewers: list[Link] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gallery", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The viewers are shown out."""
        self._ended.set()
        self._thread.join()
        for viewer in self._viewers:
            viewer.close()
        self._door.close()
        self._scratch.close()

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self._let_in()
            if self._viewers:
                snapshot = _small(self._latest())
                for viewer in self._viewers:
                    viewer.send(snapshot)  # one that is slow misses it
            self._viewers = [viewer for viewer in self._viewers if self._heard(viewer)]

    def _let_in(self) -> None:
        try:
            end, _ = self._door.accept()
        except BlockingIOError:
            return
        if len(self._viewers) < MOST_VIEWERS:
            self._viewers.append(Link(end))
        else:
            end.close()

    def _heard(self, viewer: Link) -> bool:
        """Pass on what it asks for; False when it is gone."""
        try:
            while (message := viewer.receive()) is not None:
                if isinstance(message, (Mask, Threshold, Flag)):
                    self._ask(message)
        except LinkClosed:
            viewer.close()
            return False
        return True


def _small(snapshot: Snapshot) -> Snapshot:
    """A message must fit into the socket's buffer, and a terminal has few cells."""
    picture = snapshot.preview
    if picture is None or len(picture) <= _PREVIEW_PX:
        return snapshot
    step = -(-len(picture) // _PREVIEW_PX)
    return replace(snapshot, preview=picture[::step, ::step].copy())
