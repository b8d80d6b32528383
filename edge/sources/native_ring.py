"""What the sound card's callback fills and the reader empties: samples as the device gives them, with arrival times."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STAMPS = 4096
"""Blocks whose arrival is kept; at 10 ms a block, more than the ring's sound."""


class NativeBlock(NamedTuple):
    """One block of a callback."""

    start: int
    """Index of its first sample since the stream was opened."""
    samples: NDArray[np.float32]
    """float32 [n, channels], a copy."""
    arrival_ns: int
    """Monotonic time at which the callback was called, when its last sample had just been taken (or later)."""


class NativeRing:
    """Preallocated ring with one writer, the callback in PortAudio's thread, and one reader.

    The writer stores samples, then the stamp, then the count that makes both visible; both sides hold the interpreter's
    lock when they touch them, so no further lock is needed and the callback never waits.
    """

    def __init__(self, capacity_samples: int, channels: int) -> None:
        self._samples = np.zeros((capacity_samples, channels), np.float32)
        self._ends = np.zeros(STAMPS, np.int64)
        self._arrivals_ns = np.zeros(STAMPS, np.int64)
        self._blocks = 0
        self._end = 0
        self._read_blocks = 0
        self._read_end = 0

    @property
    def blocks(self) -> int:
        """Blocks that the callback delivered so far."""
        return self._blocks

    @property
    def total_samples(self) -> int:
        """Samples that the callback delivered so far."""
        return self._end

    def write(self, samples: NDArray[np.float32]) -> None:
        """samples: float32 [n, channels] with n below the capacity. Called by the callback only."""
        arrival_ns = time.monotonic_ns()
        ring = self._samples
        capacity, count = len(ring), len(samples)
        at = self._end % capacity
        first = min(count, capacity - at)
        ring[at : at + first] = samples[:first]
        if first < count:
            ring[: count - first] = samples[first:]
        slot = self._blocks % STAMPS
        self._end += count
        self._ends[slot] = self._end
        self._arrivals_ns[slot] = arrival_ns
        self._blocks += 1

    def take(self) -> list[NativeBlock]:
        """Every block that came since the last call and is still there, oldest first.

        When the reader was too slow, the oldest blocks are missing: the next one starts later than the last ended.
        """
        newest, taken = self._blocks, []
        # Half of the ring stays out of reach, so that the callback cannot overwrite what is being copied.
        oldest_sample = self._end - len(self._samples) // 2
        for block in range(max(self._read_blocks, newest - STAMPS // 2), newest):
            end = int(self._ends[block % STAMPS])
            start = self._read_end if block == self._read_blocks else int(self._ends[(block - 1) % STAMPS])
            if start >= oldest_sample:
                slots = np.arange(start, end) % len(self._samples)
                taken.append(NativeBlock(start, self._samples[slots], int(self._arrivals_ns[block % STAMPS])))
            self._read_end = end
        self._read_blocks = newest
        return taken
