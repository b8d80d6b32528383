"""Probabilities -> segments: smoothing with reset at feature jumps, hysteresis, minimum duration.

The output is not a label a frame but stretches with a start, an end, a label and a confidence. Hysteresis as in
voice-activity detection: a segment opens at `on` and closes when its own label falls below `off`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds
from edge.contract import NS_PER_S, FeatureRow, Segment


class Smoother:
    """The running mean of the probabilities of one stream; it starts anew where the motion features jump."""

    def __init__(self, weight: float, jump_cosine: float) -> None:
        """`weight` is that of the newest probabilities; below `jump_cosine` neighbours are unlike each other."""
        self._weight = weight
        self._jump_cosine = jump_cosine
        self._mean: NDArray[np.float32] | None = None
        self._motion: NDArray[np.float32] | None = None

    def push(self, probabilities: NDArray[np.float32], motion: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean after the next probabilities, float32 [K]; with nothing to see or hear (NaN) every label sinks."""
        now = np.nan_to_num(probabilities, nan=0.0)
        jumped = self._motion is not None and _cosine(motion, self._motion) < self._jump_cosine
        if self._mean is None or jumped:
            self._mean = now
        else:
            self._mean = self._weight * now + (1 - self._weight) * self._mean
        self._motion = motion
        return self._mean

    def set(self, weight: float, jump_cosine: float) -> None:
        """Use these from the next probabilities on."""
        self._weight, self._jump_cosine = weight, jump_cosine


class Decider:
    """Turns the predictions of one stream, in order, into segments."""

    def __init__(self, labels: tuple[str, ...], background_label: str | None, thresholds: Thresholds) -> None:
        self._labels = labels
        self._background = labels.index(background_label) if background_label in labels else None
        self._thresholds = thresholds
        self._smoother = Smoother(thresholds.smoothing, thresholds.jump_cosine)
        self._label: int | None = None
        self._start_ns = 0
        self._end_ns = 0
        self._confidences: list[float] = []

    @property
    def open_segment(self) -> Segment | None:
        """The segment that is going on; None between segments or while it is shorter than the minimum duration."""
        return self._segment("open") if self._label is not None and self._long_enough() else None

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Decide by these from the next interval on."""
        self._thresholds = thresholds
        self._smoother.set(thresholds.smoothing, thresholds.jump_cosine)

    def push(self, probabilities: NDArray[np.float32], row: FeatureRow, start_ns: int, end_ns: int) -> list[Segment]:
        """Take the probabilities (float32 [K], NaN when there was nothing to see or hear) of the next interval.

        Returns the segments that they closed (none or one).
        """
        return self.decide(self._smoother.push(probabilities, row.motion), start_ns, end_ns)

    def decide(self, mean: NDArray[np.float32], start_ns: int, end_ns: int) -> list[Segment]:
        """What follows from the smoothed probabilities of the next interval; `push` calls it."""
        candidates = mean.copy()
        if self._background is not None:
            candidates[self._background] = 0.0
        best = int(candidates.argmax())
        closed: list[Segment] = []
        if self._label is not None:
            overtaken = best != self._label and candidates[best] >= self._thresholds.on
            if overtaken or mean[self._label] < self._thresholds.off:
                closed = self._close()
        if self._label is None and candidates[best] >= self._thresholds.on:
            self._label, self._start_ns = best, start_ns
        if self._label is not None:
            self._end_ns = end_ns
            self._confidences.append(float(mean[self._label]))
        return closed

    def finish(self, end_ns: int) -> list[Segment]:
        """The stream ended at `end_ns`: what is open lasted until then."""
        if self._label is None:
            return []
        self._end_ns = max(self._end_ns, end_ns)
        return self._close()

    def _long_enough(self) -> bool:
        return self._end_ns - self._start_ns >= self._thresholds.min_duration_s * NS_PER_S

    def _close(self) -> list[Segment]:
        segment, keep = self._segment("closed"), self._long_enough()
        self._label, self._confidences = None, []
        return [segment] if keep else []

    def _segment(self, state: str) -> Segment:
        assert self._label is not None
        return Segment(
            start_ns=self._start_ns,
            end_ns=self._end_ns,
            label=self._labels[self._label],
            confidence=float(np.mean(self._confidences)),
            state="open" if state == "open" else "closed",
        )


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 1.0
