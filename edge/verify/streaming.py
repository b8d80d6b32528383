"""The score of the stream: a label counts only from the moment at which it was emitted.

Offline, a prediction is judged on the stretch that it speaks for, as if it had been there at once. A viewer sees the
newest label that has been emitted: about a second of sensor time (the clip is centred on that stretch) plus the label
age later. Rows are judged by what was on the screen at their middle; a segment counts from its announcement to its end.
Source of the idea: Li et al., "Towards Streaming Perception" (ECCV 2020); Furnari and Farinella, "Towards Streaming
Egocentric Action Anticipation" (ICPR 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, Segment
from edge.verify.decisions import Said

NEVER = -1


def on_screen(emitted_ns: NDArray[np.int64], moments_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the prediction that is on the screen at each moment, int64 [M]; NEVER before the first was emitted.

    Args:
        emitted_ns: int64 [N], never falling.
        moments_ns: int64 [M].
    """
    return np.searchsorted(emitted_ns, moments_ns, side="right").astype(np.int64) - 1


def from_announcement(said: Sequence[Said]) -> tuple[Segment, ...]:
    """Each segment from its announcement on; one that was announced after its end is left without length."""
    cut = []
    for segment, announced_ns in said:
        start_ns = max(segment.start_ns, announced_ns)
        cut.append(Segment(start_ns, max(segment.end_ns, start_ns), segment.label, segment.confidence))
    return tuple(cut)


def seconds_right(truth: Sequence[Segment], said: Sequence[Segment]) -> float:
    """Seconds of annotated action during which a said segment of the same label lasts."""
    total_ns = 0
    for label in {s.label for s in said}:
        stretches = _joined([(s.start_ns, s.end_ns) for s in truth if s.label == label])
        for s in (s for s in said if s.label == label):
            total_ns += sum(max(0, min(end, s.end_ns) - max(start, s.start_ns)) for start, end in stretches)
    return total_ns / NS_PER_S


def annotated_seconds(truth: Sequence[Segment]) -> float:
    """Seconds in which some action is annotated; overlapping segments of one label count once."""
    labels = {s.label for s in truth}
    stretches = [_joined([(s.start_ns, s.end_ns) for s in truth if s.label == label]) for label in labels]
    return sum(end - start for joined in stretches for start, end in joined) / NS_PER_S


def _joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
