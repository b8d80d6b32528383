"""The only reader of clocks: monotonic time in integer nanoseconds, and waiting for an absolute time."""

from __future__ import annotations

import threading
import time

from edge.contract import NS_PER_S


class Clock:
    """The machine's monotonic clock. Tests pass an object with the same methods instead."""

    def monotonic_ns(self) -> int:
        """Monotonic time in ns; its zero is arbitrary."""
        return time.monotonic_ns()

    def unix_ns(self) -> int:
        """Wall-clock time in ns since 1970; for records only, it may jump."""
        return time.time_ns()

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        """Wait until monotonic time `t_ns`. True when it was reached, False when `stop` was set before."""
        while not stop.is_set():
            remaining_ns = t_ns - self.monotonic_ns()
            if remaining_ns <= 0:
                return True
            stop.wait(remaining_ns / NS_PER_S)
        return False
