"""When a camera saw a frame: the kernel's time stamps where they can be true, the time of arrival where they cannot."""

from __future__ import annotations

from edge.contract import NS_PER_S

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
        if not self.refused:
            return "kernel"
        if self.refused == self._frames:
            return "arrival"
        return f"kernel, arrival for {self.refused} frames"
