"""What is known about a clip: its annotated actions, and the stretches in which the annotation is complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.contract import Segment

Span = tuple[int, int]
"""[start, end) in ns of stream time."""


@dataclass(frozen=True)
class Truth:
    """The annotation of one clip."""

    segments: tuple[Segment, ...]
    """In order of start; they may overlap."""
    spans: tuple[Span, ...] | None = None
    """Where everything that happens is annotated; None: in the whole clip. Outside of them nothing is judged."""
    left_out: tuple[Span, ...] = ()
    """Annotated, but the label map says to leave it out: not judged either."""

    def judges(self, time_ns: int) -> bool:
        """Whether what is said about this moment can be called right or wrong."""
        if _inside(self.left_out, time_ns) and label_at(self.segments, time_ns) is None:
            return False
        return self.spans is None or _inside(self.spans, time_ns)

    @property
    def complete(self) -> bool:
        """Whether a moment without an annotated action is known to be one."""
        return self.spans is None and not self.left_out


def label_at(segments: Sequence[Segment], time_ns: int) -> str | None:
    """Label of the segment that holds `time_ns` in [start, end); the one that starts last when they overlap."""
    holding = [s for s in segments if s.start_ns <= time_ns < s.end_ns]
    return max(holding, key=lambda s: s.start_ns).label if holding else None


def _inside(spans: Sequence[Span], time_ns: int) -> bool:
    return any(start <= time_ns < end for start, end in spans)
