"""Presentation times that can be trusted: missing, repeated and jumping time stamps are mended and counted."""

from __future__ import annotations

from edge.contract import NS_PER_S

MAX_GAP_NS = 60 * NS_PER_S
"""A longer leap forward is a broken time stamp, not a pause."""

MAX_BACK_NS = NS_PER_S
"""A longer leap back starts a new time line (a joined recording); a shorter one is a frame out of order."""


class FrameTimes:
    """Mends the times of one video stream; `interval_ns` is its average frame interval.

    Presentation times are used until they run backwards more often than decoding times do, then these: the rule of
    FFmpeg's `best_effort_timestamp`, which AVI with B-frames needs.
    """

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._presentation = _Axis()
        self._decoding = _Axis()
        self._shift_ns = 0
        self._last_ns: int | None = None
        self.mended = 0
        """Frames that are not where their presentation time alone would put them."""

    def push(self, presentation_ns: int | None, decoding_ns: int | None) -> int:
        """Stream time in ns of the next frame in presentation order; the first frame is at 0.

        The two times are the container's, on any axis; None where it gives none. A frame slightly out of order keeps
        its time: the grid drops it, since its tick is filled.
        """
        presentation_ns, decoding_ns = self._presentation.push(presentation_ns), self._decoding.push(decoding_ns)
        use_decoding = self._decoding.given and self._presentation.faults > self._decoding.faults
        t_ns = decoding_ns if use_decoding else presentation_ns
        if self._last_ns is None:
            self._last_ns = 0
            self.mended += presentation_ns is None
            return 0
        expected_ns = self._last_ns + self._interval_ns
        if t_ns is None:
            mended_ns = expected_ns
        else:
            mended_ns = t_ns + self._shift_ns
            if not -MAX_BACK_NS <= mended_ns - self._last_ns <= MAX_GAP_NS:
                self._shift_ns, mended_ns = expected_ns - t_ns, expected_ns
        self.mended += mended_ns != presentation_ns or mended_ns <= self._last_ns
        self._last_ns = max(self._last_ns, mended_ns)
        return mended_ns


class _Axis:
    """One of the two kinds of time stamps, from its first value on."""

    def __init__(self) -> None:
        self._first_ns: int | None = None
        self._last_ns = 0
        self.faults = 0

    @property
    def given(self) -> bool:
        """Whether the container gave any."""
        return self._first_ns is not None

    def push(self, t_ns: int | None) -> int | None:
        if t_ns is None:
            return None
        if self._first_ns is None:
            self._first_ns = t_ns
            return 0
        since_first_ns = t_ns - self._first_ns
        self.faults += since_first_ns <= self._last_ns
        self._last_ns = since_first_ns
        return since_first_ns
