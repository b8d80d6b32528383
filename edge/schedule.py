"""When the next row is computed. A replay takes every row in turn; a live run: `edge/live/schedule.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

from edge.contract import WindowSpec
from edge.rings import Rings


class Schedule(Protocol):
    """Which rows a pipeline computes, and when."""

    hop_factor: int
    """Hops from one row to the next."""
    skipped_rows: int
    """Rows left out because inference was busy."""

    def row_starts(self) -> Iterator[int]:
        """First tick of each row, yielded when it is to be computed; ends with the stream or after `stop`."""

    def stop(self) -> None:
        """No more rows; may be called from any thread."""


class ReplaySchedule:
    """Every row, as soon as its frames and its sound are there or will never come."""

    hop_factor = 1
    skipped_rows = 0

    def __init__(self, rings: Rings, spec: WindowSpec) -> None:
        self._rings = rings
        self._spec = spec
        self._stopping = threading.Event()

    def row_starts(self) -> Iterator[int]:
        spec, last_start = self._spec, -1
        start_tick = 0
        while self._wait_for(start_tick):
            ticks = self._rings.video.next_tick
            if start_tick + spec.row_frames > ticks:
                # The stream ended inside a row: Ego4D's last row ends on the last frame.
                yield from (start for start in spec.row_starts(ticks) if start > last_start)
                return
            yield start_tick
            last_start, start_tick = start_tick, start_tick + spec.hop_frames

    def stop(self) -> None:
        self._stopping.set()
        with self._rings.changed:
            self._rings.changed.notify_all()

    def _wait_for(self, start_tick: int) -> bool:
        """False when `stop` was called first."""
        with self._rings.changed:
            self._rings.changed.wait_for(lambda: self._stopping.is_set() or self._rings.ready(start_tick))
        return not self._stopping.is_set()
