"""When a camera saw a frame: the kernel's or the sender's time where it can be true, the time of arrival elsewhere."""

from __future__ import annotations

from edge.contract import NS_PER_S
from edge.drift import ClockMap

MAX_AGE_NS = 5 * NS_PER_S
"""A frame cannot be older than this when it arrives: such a time stamp is of another clock."""


class KernelStamps:
    """Checks the kernel's time of every frame against its arrival, both in monotonic ns."""

    def __init__(self) -> None:
        self._last_ns = 0
        self._frames = 0
        self.refused = 0
        """Frames that got their arrival time, because theirs was missing, zero, repeated, ahead or too old."""

    def time_ns(self, kernel_ns: int | None, arrival_ns: int) -> int:
        """The time to believe."""
        self._frames += 1
        believable = (
            kernel_ns is not None
            and kernel_ns > 0
            and kernel_ns != self._last_ns
            and arrival_ns - MAX_AGE_NS <= kernel_ns <= arrival_ns
        )
        self._last_ns = kernel_ns or 0
        if believable and kernel_ns is not None:
            return kernel_ns
        self.refused += 1
        return arrival_ns

    def __str__(self) -> str:
        return _words("kernel", self.refused, self._frames)


class SenderStamps:
    """Presentation times of a network stream on the monotonic clock, late by the shortest delay of the network.

    `trusted` False: the stream has none that mean anything, and every frame gets its arrival time.
    `held_back`: a frame is handed on only when the first bytes of the next one are there, so that its arrival is the
    next one's.
    """

    def __init__(self, trusted: bool, held_back: bool = False) -> None:
        self._trusted = trusted
        self._held_back = held_back
        self._map = ClockMap()
        self._earlier_arrival_ns: int | None = None
        self._frames = 0
        self.refused = 0
        """Frames that got their arrival time, because theirs was missing or more than 5 s off."""

    @property
    def drift_ppm(self) -> float | None:
        """The sender's clock against the monotonic clock, positive when it runs fast; None while not known."""
        return None if self._map.drift is None else self._map.drift.ppm

    def observe(self, sender_ns: int | None, arrival_ns: int) -> None:
        """What the sender stamped `sender_ns` came at monotonic time `arrival_ns`; in order of arrival."""
        if self._trusted and sender_ns is not None:
            earlier_ns = self._earlier_arrival_ns if self._held_back else None
            self._map.observe(sender_ns, arrival_ns if earlier_ns is None else earlier_ns)
        self._earlier_arrival_ns = arrival_ns

    def time_ns(self, sender_ns: int | None, arrival_ns: int) -> int:
        """The time to believe of a frame that was observed; better when those after it were observed already."""
        self._frames += 1
        if self._trusted and sender_ns is not None:
            seen_ns = min(arrival_ns, self._map.to_monotonic_ns(sender_ns))
            if arrival_ns - seen_ns <= MAX_AGE_NS:
                return seen_ns
        self.refused += 1
        return arrival_ns

    def __str__(self) -> str:
        return _words("sender", self.refused, self._frames)


def _words(clock: str, refused: int, frames: int) -> str:
    if not refused:
        return clock
    return "arrival" if refused == frames else f"{clock}, arrival for {refused} frames"
