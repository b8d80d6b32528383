"""Finished runs of annotated clips, ready to be decided again and again: their smoothed probabilities are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds
from edge.contract import NS_PER_S, Segment
from edge.decide import Decider, Smoother
from edge.matching import match_segments
from edge.score import SEGMENT_IOU
from edge.verify.decisions import decide_again
from edge.verify.evidence import Evidence, judged
from edge.verify.streaming import from_announcement, seconds_right


class Counts(NamedTuple):
    """Segments of one clip."""

    matched: int
    said: int
    annotated: int


@dataclass
class TuneClip:
    """One annotated clip."""

    evidence: Evidence
    group: str
    """Clips of one group are never on both sides of a cross-validation: its domain, or its own name."""
    _means: dict[tuple[float, float], NDArray[np.float32]] = field(default_factory=dict)
    _counts: dict[Thresholds, Counts] = field(default_factory=dict)

    def counts(self, thresholds: Thresholds) -> Counts:
        """How these thresholds do at IoU SEGMENT_IOU; kept, because every fold of a proof asks again."""
        if thresholds not in self._counts:
            self._counts[thresholds] = self.count(self.segments(thresholds))
        return self._counts[thresholds]

    def count(self, segments: Sequence[Segment]) -> Counts:
        """How segments do that were decided otherwise."""
        truth, result = self.evidence.truth, self.evidence.result
        said = [
            s for s in segments if s.label != result.background_label and truth.judges((s.start_ns + s.end_ns) // 2)
        ]
        actions = self.evidence.actions
        return Counts(len(match_segments(actions, said, SEGMENT_IOU)), len(said), len(actions))

    def streaming_seconds(self, thresholds: Thresholds) -> float:
        """Seconds of annotated action during which the right label was announced already."""
        e = self.evidence
        said = judged(decide_again(e.result, thresholds, e.emitted_ns), e.result, e.truth)
        return seconds_right(e.actions, from_announcement(said))

    def segments(self, thresholds: Thresholds) -> list[Segment]:
        """What the runtime would say of this clip; the decisions are its own code."""
        result = self.evidence.result
        decider = Decider(result.labels, result.background_label, thresholds)
        said: list[Segment] = []
        for mean, p in zip(self._smoothed(thresholds), result.predictions, strict=True):
            said += decider.decide(mean, p.start_ns, p.end_ns)
        return said + decider.finish(round(result.duration_s * NS_PER_S))

    def _smoothed(self, thresholds: Thresholds) -> NDArray[np.float32]:
        """float32 [N, K]; the same for all thresholds that smooth alike."""
        key = (thresholds.smoothing, thresholds.jump_cosine)
        if key not in self._means:
            smoother, result = Smoother(*key), self.evidence.result
            means = [
                smoother.push(p.probabilities[0], row.motion)
                for p, row in zip(result.predictions, result.rows, strict=True)
            ]
            self._means[key] = np.array(means, np.float32).reshape(len(means), len(result.labels))
        return self._means[key]


def f1(counts: Sequence[Counts]) -> float:
    """Segment F1 over the pooled segments; 0 when nothing was annotated and nothing said."""
    whole = sum(c.said + c.annotated for c in counts)
    return 2 * sum(c.matched for c in counts) / whole if whole else 0.0
