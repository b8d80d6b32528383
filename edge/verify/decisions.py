"""The decisions of a finished run, made again: when each segment was announced, and what other thresholds would say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds
from edge.contract import NS_PER_S, RunResult, Segment
from edge.decide import Decider


class Said(NamedTuple):
    """A segment, and the moment from which a viewer of the stream knew of it."""

    segment: Segment
    announced_ns: int
    """Emission of the prediction that made it long enough to be shown."""


def decide_again(
    result: RunResult,
    thresholds: Thresholds,
    emitted_ns: NDArray[np.int64],
    smoothed: NDArray[np.float32] | None = None,
) -> tuple[Said, ...]:
    """Pass a run's predictions through the decider.

    Args:
        result: of a whole clip, with all its rows.
        thresholds: with those of the bundle the segments are the run's own.
        emitted_ns: int64 [N], when each prediction was emitted.
        smoothed: float32 [N, K], the running mean that these thresholds lead to, when it is known already.
    """
    decider = Decider(result.labels, result.background_label, thresholds)
    said: list[Said] = []
    announced_ns: int | None = None
    for index, (p, row, now_ns) in enumerate(zip(result.predictions, result.rows, emitted_ns.tolist(), strict=True)):
        if smoothed is None:
            closed = decider.push(p.probabilities[0], row, p.start_ns, p.end_ns)
        else:
            closed = decider.decide(smoothed[index], p.start_ns, p.end_ns)
        for segment in closed:
            said.append(Said(segment, now_ns if announced_ns is None else announced_ns))
        if decider.open_segment is None:
            announced_ns = None
        elif announced_ns is None or closed:
            announced_ns = now_ns
    for segment in decider.finish(round(result.duration_s * NS_PER_S)):
        said.append(Said(segment, int(emitted_ns[-1]) if announced_ns is None else announced_ns))
    return tuple(said)


def argmax_segments(result: RunResult) -> tuple[Segment, ...]:
    """The plainest decision: each hop says its most probable label, and equal neighbours are one segment.

    Background and hops with nothing to see or hear are gaps. There is no smoothing and no threshold.
    """
    segments: list[Segment] = []
    run: list[float] = []
    for p in result.predictions:
        best = None if p.blind else result.labels[int(p.probabilities[0].argmax())]
        confidence = 0.0 if p.blind else float(p.probabilities[0].max())
        if segments and segments[-1].label == best and segments[-1].end_ns == p.start_ns:
            run.append(confidence)
            segments[-1] = Segment(segments[-1].start_ns, p.end_ns, segments[-1].label, float(np.mean(run)))
        elif best is not None and best != result.background_label:
            run = [confidence]
            segments.append(Segment(p.start_ns, p.end_ns, best, confidence))
    return tuple(segments)
