"""A clock that stands still unless somebody says that time passed, and a schedule that waits on it for each row."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from edge.contract import WindowSpec
from edge.schedule import Schedule


class VirtualClock:
    """Starts at one second; the same two methods as `edge.clock.Clock`."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        self.now_ns = max(self.now_ns, t_ns)
        return not stop.is_set()

    def pass_ms(self, ms: float) -> None:
        self.now_ns += round(ms * 1e6)

    def sleep(self, seconds: float) -> None:
        self.pass_ms(1e3 * seconds)


class OnTime:
    """Another schedule, whose rows are begun when they are due on the virtual clock and no sooner."""

    def __init__(self, inner: Schedule, clock: VirtualClock, origin_ns: int, spec: WindowSpec) -> None:
        self._inner, self._clock, self._origin_ns, self._spec = inner, clock, origin_ns, spec

    @property
    def hop_factor(self) -> int:
        return self._inner.hop_factor

    @property
    def skipped_rows(self) -> int:
        return self._inner.skipped_rows

    def row_starts(self) -> Iterator[int]:
        for start_tick in self._inner.row_starts():
            due_ns = self._origin_ns + self._spec.tick_ns(start_tick + self._spec.row_frames)
            self._clock.now_ns = max(self._clock.now_ns, due_ns)
            yield start_tick

    def stop(self) -> None:
        self._inner.stop()
