"""A clock that runs faster than the machine's: a stream paced by it asks for more rows a second."""

from __future__ import annotations

import threading

from edge.clock import Clock
from edge.contract import NS_PER_S


class FastClock:
    """`speed` seconds pass on it in one second of `clock`."""

    def __init__(self, speed: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._speed = speed
        self._begun_ns = self._clock.monotonic_ns()

    def monotonic_ns(self) -> int:
        """As of `Clock`, faster."""
        return self._begun_ns + int((self._clock.monotonic_ns() - self._begun_ns) * self._speed)

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        """As of `Clock`: True when `t_ns` of this clock was reached, False when `stop` was set before."""
        while not stop.is_set():
            remaining_ns = t_ns - self.monotonic_ns()
            if remaining_ns <= 0:
                return True
            stop.wait(remaining_ns / self._speed / NS_PER_S)
        return False
