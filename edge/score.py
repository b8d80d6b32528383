"""How well one replayed stream agrees with its annotation, and many streams pooled into one total.

Everything is kept as counts, so that a total pools rows and segments and never averages averages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.annotations.truth import Truth, label_at
from edge.contract import MODES, Prediction, RunResult, Segment
from edge.matching import edit_distance, match_segments

SEGMENT_IOU = 0.5
UNKNOWN_LABEL = "unknown"
"""Label of a segment in which egoact commits to no action."""


@dataclass(frozen=True)
class ModeScore:
    """Rows of one masked row of the head; rows in which the mode was missing (NaN) stand in `missing` only."""

    rows: int = 0
    """Rows inside annotated actions, and, when the bundle has a background label, rows outside them too."""
    correct: int = 0
    action_rows: int = 0
    """Rows inside annotated actions."""
    action_correct: int = 0
    missing: int = 0

    @property
    def action_accuracy(self) -> float | None:
        """Accuracy over the rows inside annotated actions; None when there are none."""
        return _ratio(self.action_correct, self.action_rows)

    @property
    def accuracy(self) -> float | None:
        """Accuracy over all rows, background included; None when there are none."""
        return _ratio(self.correct, self.rows)

    def __add__(self, other: ModeScore) -> ModeScore:
        return ModeScore(
            self.rows + other.rows,
            self.correct + other.correct,
            self.action_rows + other.action_rows,
            self.action_correct + other.action_correct,
            self.missing + other.missing,
        )


@dataclass(frozen=True)
class Score:
    """Counts of one run, or of many pooled ones."""

    runs: int
    duration_s: float
    labels: tuple[str, ...]
    """The bundle's labels."""
    background_label: str | None
    foreign_labels: tuple[str, ...]
    """Annotated labels that the bundle does not know; their rows count as wrong."""
    modes: tuple[ModeScore, ...]
    """In the order of MODES: all, video, audio."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows of mode 'all': [truth, said], both axes labels + foreign_labels."""
    truth_segments: int
    said_segments: int
    matched_segments: int
    """Pairs of equal label at IoU of at least SEGMENT_IOU; background and 'unknown' never count."""
    edits: int
    """Insertions, deletions and changes that turn the order of the labels said into the order annotated."""
    label_ages_ms: tuple[float, ...]
    """Of every prediction made at real pace; empty when replayed fast."""

    @property
    def precision(self) -> float | None:
        return _ratio(self.matched_segments, self.said_segments)

    @property
    def recall(self) -> float | None:
        return _ratio(self.matched_segments, self.truth_segments)

    @property
    def segment_f1(self) -> float | None:
        """F1 of segments; None when nothing was annotated and nothing was said."""
        return _ratio(2 * self.matched_segments, self.said_segments + self.truth_segments)

    @property
    def edits_per_minute(self) -> float | None:
        return _ratio(60.0 * self.edits, self.duration_s)

    @property
    def chance(self) -> float:
        """Accuracy of a uniform guess among the bundle's labels."""
        return 1 / len(self.labels)

    @property
    def majority_action_accuracy(self) -> float | None:
        """Accuracy, inside annotated actions, of always saying the most frequent action."""
        counts = [sum(row) for label, row in self._confusion_rows() if label != self.background_label]
        return _ratio(max(counts, default=0), sum(counts))

    @property
    def majority_accuracy(self) -> float | None:
        """Accuracy, over all rows, of always saying the most frequent label, background included."""
        counts = [sum(row) for _, row in self._confusion_rows()]
        return _ratio(max(counts, default=0), sum(counts))

    @property
    def label_age_ms(self) -> tuple[float, float, float] | None:
        """p50, p95, p99 of the label age; None when nothing was replayed at real pace."""
        if not self.label_ages_ms:
            return None
        p50, p95, p99 = (float(value) for value in np.percentile(self.label_ages_ms, (50, 95, 99)))
        return p50, p95, p99

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Both axes of the confusion matrix."""
        return self.labels + self.foreign_labels

    def _confusion_rows(self) -> list[tuple[str, tuple[int, ...]]]:
        return list(zip(self.all_labels, self.confusion, strict=True))

    def to_json(self) -> dict[str, object]:
        """Counts and derived figures as plain JSON values (None where there is nothing to measure)."""
        age = self.label_age_ms
        return {
            "runs": self.runs,
            "duration_s": round(self.duration_s, 3),
            "rows": {mode: _mode_json(score) for mode, score in zip(MODES, self.modes, strict=True)},
            "chance": _rounded(self.chance),
            "majority_action_accuracy": _rounded(self.majority_action_accuracy),
            "majority_accuracy": _rounded(self.majority_accuracy),
            "segments": {
                "iou": SEGMENT_IOU,
                "annotated": self.truth_segments,
                "said": self.said_segments,
                "matched": self.matched_segments,
                "precision": _rounded(self.precision),
                "recall": _rounded(self.recall),
                "f1": _rounded(self.segment_f1),
                "edits": self.edits,
                "edits_per_minute": _rounded(self.edits_per_minute),
            },
            "label_age_ms": age and {"p50": round(age[0], 1), "p95": round(age[1], 1), "p99": round(age[2], 1)},
            "confusion": {"labels": list(self.all_labels), "counts": [list(row) for row in self.confusion]},
            "foreign_labels": list(self.foreign_labels),
        }


def score_run(result: RunResult, truth: Truth | Sequence[Segment]) -> Score:
    """Score one run against the annotation of its clip; plain segments annotate all of it (none: nothing happens).

    The truth of a prediction is the annotated label at the middle of its [start_ns, end_ns), background when there is
    none; where the annotation covers nothing, nothing is judged. What a mode said is its most probable label, before
    any threshold or smoothing.
    """
    whole = truth if isinstance(truth, Truth) else Truth(tuple(truth))
    background, labels, segments = result.background_label, result.labels, whole.segments
    foreign = tuple(sorted({segment.label for segment in segments} - set(labels)))
    axis = {label: index for index, label in enumerate(labels + foreign)}
    confusion = np.zeros((len(axis), len(axis)), np.int64)
    modes = [ModeScore() for _ in MODES]
    for prediction in result.predictions:
        middle_ns = (prediction.start_ns + prediction.end_ns) // 2
        true_label = label_at(segments, middle_ns) or background
        if true_label is None or not whole.judges(middle_ns):
            continue
        for index in range(len(MODES)):
            said = said_label(prediction, labels, index)
            modes[index] += _one_row(said, true_label, inside_action=true_label != background)
            if index == 0 and said is not None:
                confusion[axis[true_label], axis[said]] += 1
    true_actions = [segment for segment in segments if segment.label != background]
    said_actions = [
        segment
        for segment in result.segments
        if segment.label not in (background, UNKNOWN_LABEL) and whole.judges((segment.start_ns + segment.end_ns) // 2)
    ]
    return Score(
        runs=1,
        duration_s=result.duration_s,
        labels=labels,
        background_label=background,
        foreign_labels=foreign,
        modes=tuple(modes),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        truth_segments=len(true_actions),
        said_segments=len(said_actions),
        matched_segments=len(match_segments(true_actions, said_actions, SEGMENT_IOU)),
        edits=edit_distance([s.label for s in said_actions], [s.label for s in true_actions]),
        label_ages_ms=() if result.pace == "fast" else tuple(p.label_age_ms for p in result.predictions),
    )


def said_label(prediction: Prediction, labels: Sequence[str], mode_index: int) -> str | None:
    """Most probable label of one masked row; None when its modality was missing (NaN)."""
    row = prediction.probabilities[mode_index]
    return None if np.isnan(row).any() else labels[int(row.argmax())]


def merge(scores: Sequence[Score]) -> Score:
    """Pool the rows and segments of many runs of one bundle. Raises ValueError for none or for different labels."""
    if not scores:
        raise ValueError("no scores to merge")
    labels, background = scores[0].labels, scores[0].background_label
    if any(score.labels != labels or score.background_label != background for score in scores):
        raise ValueError("scores of different label sets cannot be merged")
    foreign = tuple(sorted({label for score in scores for label in score.foreign_labels}))
    axis = {label: index for index, label in enumerate(labels + foreign)}
    confusion = np.zeros((len(axis), len(axis)), np.int64)
    for score in scores:
        at = [axis[label] for label in score.all_labels]
        confusion[np.ix_(at, at)] += np.array(score.confusion, np.int64)
    return Score(
        runs=sum(score.runs for score in scores),
        duration_s=math.fsum(score.duration_s for score in scores),
        labels=labels,
        background_label=background,
        foreign_labels=foreign,
        modes=tuple(sum((score.modes[index] for score in scores), ModeScore()) for index in range(len(MODES))),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        truth_segments=sum(score.truth_segments for score in scores),
        said_segments=sum(score.said_segments for score in scores),
        matched_segments=sum(score.matched_segments for score in scores),
        edits=sum(score.edits for score in scores),
        label_ages_ms=tuple(age for score in scores for age in score.label_ages_ms),
    )


def _one_row(said: str | None, true_label: str, *, inside_action: bool) -> ModeScore:
    if said is None:
        return ModeScore(missing=1)
    correct = int(said == true_label)
    return ModeScore(1, correct, int(inside_action), int(inside_action) * correct)


def _mode_json(score: ModeScore) -> dict[str, object]:
    return {
        "action_accuracy": _rounded(score.action_accuracy),
        "action_rows": score.action_rows,
        "accuracy": _rounded(score.accuracy),
        "rows": score.rows,
        "missing_rows": score.missing,
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
