"""What one clip contributes to a verification: what was said of it, when, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.annotations.truth import Truth, label_at
from edge.bundle import Thresholds
from edge.contract import RunResult, Segment
from edge.score import UNKNOWN_LABEL
from edge.verify.decisions import Said, decide_again
from edge.verify.emission import emission_times_ns

UNJUDGED, FOREIGN, NOTHING = -1, -2, -3
"""Truth of a row: not known; an action for which the bundle has no label; no action, and no label that says so."""


@dataclass(frozen=True)
class Evidence:
    """One run of one annotated clip; N predictions, K labels."""

    result: RunResult
    truth: Truth
    emitted_ns: NDArray[np.int64]
    """int64 [N]"""
    said: tuple[Said, ...]
    """Segments of actions whose middle the annotation can judge; background and 'unknown' are no actions."""

    @property
    def clip(self) -> str:
        return self.result.clip

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """float32 [N, 3, K]; NaN where a modality was missing."""
        shape = (len(self.result.predictions), 3, len(self.result.labels))
        return np.array([p.probabilities for p in self.result.predictions], np.float32).reshape(shape)

    @cached_property
    def middle_ns(self) -> NDArray[np.int64]:
        """The moment that each prediction is judged at, int64 [N]."""
        return np.array([(p.start_ns + p.end_ns) // 2 for p in self.result.predictions], np.int64)

    @cached_property
    def row_truth(self) -> NDArray[np.int64]:
        """Index of the true label of each row, or UNJUDGED, FOREIGN or NOTHING; int64 [N]."""
        return np.array([self._true_index(t) for t in self.middle_ns.tolist()], np.int64)

    @property
    def background(self) -> int | None:
        """Index of the background label."""
        label = self.result.background_label
        return None if label is None else self.result.labels.index(label)

    @cached_property
    def actions(self) -> tuple[Segment, ...]:
        """Annotated actions for which the bundle has a label."""
        known = set(self.result.labels) - {self.result.background_label}
        return tuple(s for s in self.truth.segments if s.label in known)

    def _true_index(self, time_ns: int) -> int:
        if not self.truth.judges(time_ns):
            return UNJUDGED
        label = label_at(self.truth.segments, time_ns) or self.result.background_label
        if label is None:
            return NOTHING
        return self.result.labels.index(label) if label in self.result.labels else FOREIGN


def gather(result: RunResult, truth: Truth, thresholds: Thresholds, label_age_ms: float | None = None) -> Evidence:
    """The evidence of a run.

    Args:
        thresholds: of the decisions.
        label_age_ms: see `emission_times_ns`.
    """
    emitted_ns = emission_times_ns(result, label_age_ms)
    return Evidence(result, truth, emitted_ns, judged(decide_again(result, thresholds, emitted_ns), result, truth))


def judged(said: tuple[Said, ...], result: RunResult, truth: Truth) -> tuple[Said, ...]:
    """Those segments that claim an action at a moment that the annotation covers."""
    silent = (result.background_label, UNKNOWN_LABEL)
    return tuple(
        s for s in said if s.segment.label not in silent and truth.judges((s.segment.start_ns + s.segment.end_ns) // 2)
    )
