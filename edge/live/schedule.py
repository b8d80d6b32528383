"""When a live run computes a row: when all of it has arrived, at the latest at its deadline.

The deadline is the end of the row and a grace that the sensors' lateness gives. What has not arrived by then lowers the
coverage, and the coverage masks the modality: a sensor that is gone never holds up the labels of the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from edge.contract import NS_PER_S, WindowSpec
from edge.rings import Rings


class LiveSchedule:
    """One row is computed and the newest one waits; rows that came due between them are skipped and counted."""

    def __init__(self, rings: Rings, spec: WindowSpec, now_ns: Callable[[], int], grace_ns: Callable[[], int]) -> None:
        """`now_ns` gives stream time, `grace_ns` how long after its end a row may be complete."""
        self.hop_factor = 1
        self.skipped_rows = 0
        self._rings = rings
        self._spec = spec
        self._now_ns = now_ns
        self._grace_ns = grace_ns
        self._stopping = threading.Event()

    def row_starts(self) -> Iterator[int]:
        spec, start_tick = self._spec, self._first_tick()
        while self._wait_for(start_tick):
            yield start_tick
            start_tick += self.hop_factor * spec.hop_frames
            overdue_ticks = (self._now_ns() - self._due_ns(start_tick)) * spec.frame_rate_hz // NS_PER_S
            if overdue_ticks >= spec.hop_frames:
                late_hops = overdue_ticks // spec.hop_frames
                self.skipped_rows += late_hops
                start_tick += late_hops * spec.hop_frames

    def _due_ns(self, start_tick: int) -> int:
        """Stream time at which everything of the row had happened."""
        return self._spec.tick_ns(start_tick + self._spec.row_frames)

    def stop(self) -> None:
        self._stopping.set()
        with self._rings.changed:
            self._rings.changed.notify_all()

    def _first_tick(self) -> int:
        """The row that holds the next frame of a camera that runs, else the present; rows lie on the grid of hops."""
        now_tick = self._now_ns() * self._spec.frame_rate_hz // NS_PER_S
        hop, next_tick = self._spec.hop_frames, self._rings.video.next_tick
        return (next_tick if next_tick > now_tick - hop else now_tick) // hop * hop

    def _wait_for(self, start_tick: int) -> bool:
        """Until the row is complete, or its deadline; False when `stop` was called first."""
        with self._rings.changed:
            while not self._stopping.is_set():
                if not self._nothing_comes and self._rings.ready(start_tick):
                    return True
                left_ns = self._due_ns(start_tick) + self._grace_ns() - self._now_ns()
                if left_ns <= 0:
                    return True
                self._rings.changed.wait(left_ns / NS_PER_S)
        return False

    @property
    def _nothing_comes(self) -> bool:
        """With no sensor left rows are over when their time is."""
        return self._rings.no_video and self._rings.no_audio
