"""How many frames a camera delivered and lost, and at what rate."""

from __future__ import annotations

from collections import deque

from edge.contract import NS_PER_S

_RATE_FRAMES = 60
_SEQUENCE_MASK = 0xFFFF_FFFF
_MAX_LEAP = 100_000
"""A longer leap of the sequence number is the driver starting again, not a loss."""


class FrameCount:
    """Counts the frames of one camera from their sequence numbers and times."""

    def __init__(self, nominal_rate_hz: float) -> None:
        self._interval_ns = NS_PER_S / nominal_rate_hz if nominal_rate_hz else 0.0
        self._sequence: int | None = None
        self._times_ns: deque[int] = deque(maxlen=_RATE_FRAMES + 1)
        self.delivered = 0
        self.lost = 0

    def push(self, t_ns: int, sequence: int | None = None) -> None:
        """Count a frame; `sequence` is the driver's number (32 bit), None where there is none."""
        self.delivered += 1
        if sequence is not None and self._sequence is not None and sequence != self._sequence:
            leap = (sequence - self._sequence) & _SEQUENCE_MASK
            self.lost += leap - 1 if leap < _MAX_LEAP else 0
        elif self._times_ns and self._interval_ns:  # no numbers, or a driver that never counts
            self.lost += max(0, round((t_ns - self._times_ns[-1]) / self._interval_ns) - 1)
        self._sequence = sequence
        self._times_ns.append(t_ns)

    @property
    def rate_hz(self) -> float:
        """Measured over the last two seconds or so; 0 before the second frame."""
        if len(self._times_ns) < 2 or self._times_ns[-1] <= self._times_ns[0]:
            return 0.0
        return (len(self._times_ns) - 1) * NS_PER_S / (self._times_ns[-1] - self._times_ns[0])
