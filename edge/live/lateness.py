"""How late a sensor's data come, so that a row waits for them as long as is worth it and no longer."""

from __future__ import annotations

from edge.contract import NS_PER_S

SPAN_NS = 5 * NS_PER_S
MARGIN = 1.25
LEAST_NS, MOST_NS = 50_000_000, 500_000_000
"""Bounds of the grace: less would give up on a scheduler's hiccup, more would make every label old when one sensor
has just stopped."""


class Lateness:
    """The greatest lateness of the last five to ten seconds."""

    def __init__(self) -> None:
        self._reached_ns: int | None = None
        self._span_started_ns = 0
        self._worst_ns = self._worst_before_ns = 0

    def reached(self, stream_ns: int, now_ns: int) -> None:
        """Data up to `stream_ns` were there at `now_ns`; what came just after the data before had waited longest."""
        before_ns, self._reached_ns = self._reached_ns, stream_ns
        if now_ns - self._span_started_ns > SPAN_NS:
            self._span_started_ns = now_ns
            self._worst_before_ns, self._worst_ns = self._worst_ns, 0
        if before_ns is not None:
            self._worst_ns = max(self._worst_ns, now_ns - before_ns)

    def away(self) -> None:
        """The gap that follows says nothing about lateness."""
        self._reached_ns = None

    @property
    def grace_ns(self) -> int:
        worst_ns = max(self._worst_ns, self._worst_before_ns)
        return min(max(round(MARGIN * worst_ns), LEAST_NS), MOST_NS)
