"""Finished runs of annotated clips, ready to be decided again and again: their smoothed probabilities are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds
from edge.contract import Segment
from edge.decide import Smoother
from edge.matching import match_segments
from edge.score import SEGMENT_IOU
from edge.verify.decisions import Said, decide_again
from edge.verify.evidence import Evidence, judged
from edge.verify.streaming import annotated_seconds, from_announcement, seconds_right


class Counts(NamedTuple):
    """Of one clip."""

    matched: int
    said: int
    annotated: int
    announced_s: float = 0.0
    """Seconds of annotated action during which the right label was announced already."""
    annotated_s: float = 0.0


@dataclass
class TuneClip:
    """One annotated clip."""

    evidence: Evidence
    group: str
    """Clips of one group are never on both sides of a cross-validation: its domain, or its own name."""
    _means: dict[tuple[float, float], NDArray[np.float32]] = field(default_factory=dict)
    _counts: dict[Thresholds, Counts] = field(default_factory=dict)

    def counts(self, thresholds: Thresholds) -> Counts:
        """How these thresholds do; kept, because every fold of a proof asks again."""
        if thresholds not in self._counts:
            e = self.evidence
            said = judged(self.said(thresholds), e.result, e.truth)
            announced_s = seconds_right(e.actions, from_announcement(said))
            whole = self.count([s.segment for s in said])
            self._counts[thresholds] = whole._replace(announced_s=announced_s)
        return self._counts[thresholds]

    def count(self, segments: Sequence[Segment]) -> Counts:
        """Segments of actions that were decided otherwise, at IoU SEGMENT_IOU."""
        truth, actions = self.evidence.truth, self.evidence.actions
        said = [s for s in segments if truth.judges((s.start_ns + s.end_ns) // 2)]
        matched = len(match_segments(actions, said, SEGMENT_IOU))
        return Counts(matched, len(said), len(actions), annotated_s=annotated_seconds(actions))

    def said(self, thresholds: Thresholds) -> tuple[Said, ...]:
        """What the runtime would say of this clip; the decisions are its own code."""
        e = self.evidence
        return decide_again(e.result, thresholds, e.emitted_ns, self._smoothed(thresholds))

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


def announced_share(counts: Sequence[Counts]) -> float | None:
    """Share of the annotated seconds whose label was announced already; None when nothing was annotated."""
    annotated_s = sum(c.annotated_s for c in counts)
    return sum(c.announced_s for c in counts) / annotated_s if annotated_s else None
