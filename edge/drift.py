"""A device's clock against the machine's monotonic clock: offset by sliding minimum, drift by least squares.

A device says "this was taken at d" on its own clock (samples over the nominal rate, a sender's presentation time), and
it arrives at monotonic time a >= true time. Transport delays an arrival and never hastens it, so the smallest a - d of
the last 5 s is the offset between the clocks, plus the shortest delay; one reading that was not delayed is enough. A
line through one such minimum every 5 s of the last minute is the drift. Averages of arrivals, and filters built on
them (a delay-locked loop, a regression over all arrivals), are pulled by every burst instead.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from edge.contract import NS_PER_S

WINDOW_S = 5.0
"""Length of the sliding minimum, and of the stretches that give one point each to the drift's line."""

SPAN_S = 60.0
"""The drift's line goes through the minima of this long."""

MIN_POINTS = 4
"""No drift is told from fewer minima (20 s)."""

STEP_NS = 20_000_000
"""A minimum that differs by more from the one before (4000 ppm) is a jump of the device's clock, not its drift."""

BACKWARD_NS = 1_000_000_000
"""A device whose clock goes back by more than this began to count anew."""

USED_INTERVAL_PPM = 50.0
"""A drift known no better than this is shown but does not enter times."""

# 97.5 % points of Student's t for 2, 3, ... degrees of freedom (NIST/SEMATECH e-Handbook 1.3.6.7.2).
_STUDENT_T = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


class Drift(NamedTuple):
    """Rate of the device's clock against the monotonic clock."""

    ppm: float
    """Positive when the device's clock runs fast."""
    interval_ppm: float
    """Half width of the 95 % confidence interval of `ppm`."""
    span_s: float
    """Time between the first and the last minimum that entered."""


class ClockMap:
    """Readings (device time, arrival) in, times and drift out. Constant memory; `observe` is cheap.

    A device clock that jumps ahead is followed at once; one that falls back by a second or more starts the map anew; a
    smaller fall (or a path that became longer for good) is followed after `WINDOW_S`. After a jump of more than
    `STEP_NS` the drift starts anew.
    One wrong stamp in the future spoils the map for `WINDOW_S`: a caller that doubts stamps checks them first.
    """

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._newest_device_ns: int | None = None
        # Candidates of the sliding minimum as (arrival, arrival - device), the second rising.
        self._candidates: deque[tuple[int, int]] = deque()
        self._stretch_start_ns = 0
        self._stretch_minimum: tuple[int, int] | None = None
        self._minima: deque[tuple[int, int]] = deque(maxlen=round(SPAN_S / WINDOW_S) + 1)
        self._drift: Drift | None = None

    def observe(self, device_ns: int, arrival_ns: int) -> None:
        """What the device stamped `device_ns` arrived at monotonic time `arrival_ns` (in order of arrival)."""
        if self._newest_device_ns is not None and device_ns < self._newest_device_ns - BACKWARD_NS:
            self._restart()
        self._newest_device_ns = device_ns
        reading = (arrival_ns, arrival_ns - device_ns)
        while self._candidates and self._candidates[-1][1] >= reading[1]:
            self._candidates.pop()
        self._candidates.append(reading)
        while self._candidates[0][0] < arrival_ns - WINDOW_S * NS_PER_S:
            self._candidates.popleft()
        self._gather(reading)

    def _gather(self, reading: tuple[int, int]) -> None:
        """The smallest reading of every 5 s becomes a point of the drift's line."""
        if self._stretch_minimum is None:
            self._stretch_start_ns, self._stretch_minimum = reading[0], reading
        elif reading[0] < self._stretch_start_ns + WINDOW_S * NS_PER_S:
            self._stretch_minimum = min(self._stretch_minimum, reading, key=lambda point: point[1])
        else:
            point = self._stretch_minimum
            if self._minima and abs(point[1] - self._minima[-1][1]) > STEP_NS:
                self._minima.clear()
            self._minima.append(point)
            self._drift = _line(self._minima)
            self._stretch_start_ns, self._stretch_minimum = reading[0], reading

    @property
    def drift(self) -> Drift | None:
        """The drift over the last minute; None while it is not known (the first 20 s, and after a jump)."""
        return self._drift

    def to_monotonic_ns(self, device_ns: int) -> int:
        """Monotonic time of device time `device_ns`, late by the shortest delay of the path.

        Raises:
            LookupError: nothing was observed yet.
        """
        if not self._candidates:
            raise LookupError("no reading of this clock yet")
        arrival_ns, offset_ns = self._candidates[0]
        drift_ns = 0
        if self._drift is not None and self._drift.interval_ppm <= USED_INTERVAL_PPM:
            # The minimum may be 5 s old: since then, a clock that is 200 ppm off went 1 ms astray.
            drift_ns = round((device_ns - (arrival_ns - offset_ns)) * self._drift.ppm * 1e-6)
        return device_ns + offset_ns - drift_ns


def _line(points: deque[tuple[int, int]]) -> Drift | None:
    """Least squares through (arrival, arrival - device): its slope is 1 - the rate of the device's clock."""
    if len(points) < MIN_POINTS:
        return None
    arrivals_s = np.array([(arrival - points[0][0]) / NS_PER_S for arrival, _ in points])
    offsets_s = np.array([(offset - points[0][1]) / NS_PER_S for _, offset in points])
    centred_s = arrivals_s - arrivals_s.mean()
    squares = float(centred_s @ centred_s)
    slope = float(centred_s @ offsets_s) / squares
    residuals_s = offsets_s - offsets_s.mean() - slope * centred_s
    freedom = len(points) - 2
    error = float(np.sqrt(residuals_s @ residuals_s / freedom / squares))
    student_t = _STUDENT_T[min(freedom - 2, len(_STUDENT_T) - 1)]
    return Drift(-slope * 1e6, student_t * error * 1e6, float(arrivals_s[-1]))
