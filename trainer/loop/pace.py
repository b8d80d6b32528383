"""How fast a training goes and how long it will take, said now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

SAY_EVERY_S = 10.0


class Pace:
    """Counts the clips of this process; `clock` gives seconds."""

    def __init__(self, clips_left: int, seconds_before: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_s = self._said_s = clock()
        self._before_s = seconds_before
        self._left, self._done = clips_left, 0

    def count(self, clips: int) -> float:
        """`clips` more were trained on; seconds of this run, with those of the processes before this one."""
        self._done += clips
        return self._before_s + self._clock() - self._started_s

    def due(self) -> bool:
        """Whether it is time to say something; True starts the next wait."""
        now_s = self._clock()
        if now_s - self._said_s < SAY_EVERY_S:
            return False
        self._said_s = now_s
        return True

    @property
    def clips_per_s(self) -> float:
        """Of this process."""
        return self._done / max(self._clock() - self._started_s, 1e-9)

    def __str__(self) -> str:
        left_s = (self._left - self._done) / max(self.clips_per_s, 1e-9)
        return f"{self.clips_per_s:,.0f} clips/s, {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
