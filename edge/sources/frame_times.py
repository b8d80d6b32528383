"""Presentation times that can be trusted: missing, repeated and jumping time stamps are mended and counted."""

from __future__ import annotations

from edge.contract import NS_PER_S

MAX_GAP_NS = 60 * NS_PER_S
"""A longer leap forward is a broken time stamp, not a pause."""

MAX_BACK_NS = NS_PER_S
"""A longer leap back starts a new time line (a joined recording); a shorter one is a frame out of order."""


class FrameTimes:
    """Mends the times of one video stream; `interval_ns` is its average frame interval."""

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._shift_ns = 0
        self._last_ns: int | None = None
        self.mended = 0
        """Frames whose time stamp was missing or broken."""

    def push(self, t_ns: int | None) -> int:
        """The mended time in ns of the next frame, whose container says `t_ns` (None: it says nothing).

        A frame slightly out of order keeps its time: the grid drops it, its tick is filled.
        """
        if self._last_ns is None:
            self._last_ns = 0 if t_ns is None else t_ns
            self.mended += t_ns is None
            return self._last_ns
        expected_ns = self._last_ns + self._interval_ns
        if t_ns is None:
            mended_ns = expected_ns
        else:
            mended_ns = t_ns + self._shift_ns
            leap_ns = mended_ns - self._last_ns
            if leap_ns < -MAX_BACK_NS or leap_ns > MAX_GAP_NS:
                self._shift_ns = expected_ns - t_ns
                mended_ns = expected_ns
            elif leap_ns > 0:
                self._last_ns = mended_ns
                return mended_ns
        self.mended += 1
        self._last_ns = max(self._last_ns, mended_ns)
        return mended_ns
