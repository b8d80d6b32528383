"""The capture thread: drains a source into the rings and does nothing else.

A live source tells what capture processes have put there themselves; see `edge/live`.
"""

from __future__ import annotations

import threading

from edge.contract import Event
from edge.rings import Rings
from edge.sources.base import Source
from edge.telemetry import FrameLedger

READ_TIMEOUT_S = 0.2


class Capture:
    """Owns the source while it runs; `error` holds what ended it, if anything did."""

    def __init__(self, source: Source, rings: Rings, frames: FrameLedger) -> None:
        self.error: Exception | None = None
        self._source = source
        self._rings = rings
        self._frames = frames
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._drain, name="capture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Interrupt the source, wait for the thread, close the source."""
        self._stopping.set()
        with self._rings.changed:
            self._rings.changed.notify_all()
        self._source.close()
        self._thread.join()

    def _drain(self) -> None:
        rings = self._rings
        try:
            while not self._stopping.is_set() and not (rings.video_ended and rings.audio_ended):
                event = self._source.read(READ_TIMEOUT_S)
                if event is not None and self._room_for(event):
                    self._store(event)
        except Exception as error:
            self.error = error
        finally:
            with rings.changed:
                rings.video_ended = rings.audio_ended = True
                rings.changed.notify_all()

    def _store(self, event: Event) -> None:
        self._rings.store(event)
        self._frames.store(self._rings.video.frames)

    def _room_for(self, event: Event) -> bool:
        """Wait until the event overwrites nothing that the reader still needs; False when stopped meanwhile."""
        rings = self._rings
        with rings.changed:
            rings.changed.wait_for(lambda: self._stopping.is_set() or not rings.would_overwrite(event))
        return not self._stopping.is_set()
