"""Where the view of a recorded clip stands: a place in what was computed so far, a speed, and what to look at next."""

from __future__ import annotations

from typing import NamedTuple


class Disagreement(NamedTuple):
    """A stretch in which the annotation says one thing and egoact another."""

    start_ns: int
    end_ns: int
    shown_ns: int
    """Stream time at which the first wrong label was said: its row was complete then."""
    annotated: str | None
    """None: nothing happens."""
    said: str | None
    """None: nothing, or unknown."""


class Playback(NamedTuple):
    """State of a replay that a user steers."""

    position_ns: int
    computed_ns: int
    """Stream time up to which labels are there; the position never lies beyond."""
    duration_ns: int | None
    """Of the clip, as its file promises; None where it does not."""
    speed: float
    paused: bool
    waiting: str
    """What is waited for, in words: a place or an error that was not computed yet; else empty."""
    disagreements: tuple[Disagreement, ...] = ()
    """Those found so far."""

    @property
    def here(self) -> Disagreement | None:
        """The disagreement that the label at this position is part of."""
        return next((d for d in reversed(self.disagreements) if d.shown_ns <= self.position_ns < _until(d)), None)


def _until(disagreement: Disagreement) -> int:
    """Stream time at which the label after it is said."""
    return disagreement.shown_ns + disagreement.end_ns - disagreement.start_ns
