"""When each block of a microphone was heard, and whether sound was lost before it: sample counts against the clock.

PortAudio's ADC time is not used: through PulseAudio it is on another clock and off by 2 to 250 ms. Its overflow flags
are not used: sound servers lose samples without raising one. A count of samples that falls behind the clock cannot lie.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S
from edge.drift import ClockMap, Drift

WARM_UP_NS = 500_000_000
"""Sound of the first half second is thrown away: devices start with stale buffers and with a thump, and the clocks must
meet once before anything can be placed."""

LATE_NS = 20_000_000
"""A block that comes this much later than the clock expects is late, or sound before it was lost."""

EARLY_NS = 2_000_000
"""A block that comes this much earlier than possible says that less was lost than was thought."""

CONFIRM_NS = 400_000_000
"""Sound that is late for this long, with nothing on time in between, is not late: what lay before it was lost."""


class TimedBlock(NamedTuple):
    """Mono samples whose time is known."""

    samples: NDArray[np.float32]
    """float32 [n]"""
    end_ns: int
    """Monotonic time of the end of its last sample."""


class _Held(NamedTuple):
    start: int
    samples: NDArray[np.float32]
    late_ns: int
    arrival_ns: int


class SampleClock:
    """Blocks of one open stream in, timed blocks out.

    A block that is late stays here until one that came in time shows that it merely was delayed, or until `CONFIRM_NS`
    have shown that it was not: then the missing samples are counted as lost, and it is placed behind the gap. So sound
    does not leave with a wrong time, and a stall of any length delays it by 0.4 s at the most. Only a machine so busy
    that all sound is late for longer than that is taken for a loss; the first block in time after it takes that back.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._map = ClockMap()
        self._held: deque[_Held] = deque()
        self._warm_ns: int | None = None
        self.late_ns = 0
        """How much later than the clock expects the newest block came."""
        self.lost_samples = 0
        """Samples at the native rate that were lost since `open`, as far as it is certain."""

    @property
    def drift(self) -> Drift | None:
        """The sound card's clock against the monotonic clock."""
        return self._map.drift

    def push(self, start: int, samples: NDArray[np.float32], arrival_ns: int) -> list[TimedBlock]:
        """The block that begins with sample `start` of those the device delivered; returns what can be placed now."""
        if self._warm_ns is None:
            self._warm_ns = arrival_ns + WARM_UP_NS
        elif self.lost_samples:
            self._take_back(start + len(samples), arrival_ns)
        start += self.lost_samples
        end_ns = self._device_ns(start + len(samples))
        self._map.observe(end_ns, arrival_ns)
        if arrival_ns < self._warm_ns:
            return []
        self.late_ns = arrival_ns - self._map.to_monotonic_ns(end_ns)
        self._held.append(_Held(start, samples, self.late_ns, arrival_ns))
        return self._release(arrival_ns)

    def _release(self, now_ns: int) -> list[TimedBlock]:
        released = []
        while self._held:
            least_late_ns = min(block.late_ns for block in self._held)
            if least_late_ns <= LATE_NS:
                # Every block before one that came in time was in time or merely delayed.
                while any(block.late_ns <= LATE_NS for block in self._held):
                    released.append(self._timed(self._held.popleft()))
            elif now_ns - self._held[0].arrival_ns >= CONFIRM_NS:
                self._count_lost(least_late_ns)
            else:
                break
        return released

    def _take_back(self, end: int, arrival_ns: int) -> None:
        """Nothing comes before it was heard: a block that seems to was shifted by a loss that was none."""
        early_ns = self._map.to_monotonic_ns(self._device_ns(end + self.lost_samples)) - arrival_ns
        if early_ns > EARLY_NS:
            back = min(self.lost_samples, round(early_ns * self._rate_hz / NS_PER_S))
            self.lost_samples -= back
            self._held = deque(block._replace(start=block.start - back) for block in self._held)

    def _count_lost(self, late_ns: int) -> None:
        """The held blocks come `late_ns` late for good: the device's clock went on, its samples did not."""
        lost = round(late_ns * self._rate_hz / NS_PER_S)
        self.lost_samples += lost
        self.late_ns -= late_ns
        self._held = deque(
            block._replace(start=block.start + lost, late_ns=block.late_ns - late_ns) for block in self._held
        )

    def _timed(self, block: _Held) -> TimedBlock:
        end = block.start + len(block.samples)
        return TimedBlock(block.samples, self._map.to_monotonic_ns(self._device_ns(end)))

    def _device_ns(self, sample: int) -> int:
        return sample * NS_PER_S // self._rate_hz
