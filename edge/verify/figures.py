"""The figures of a verification, over one clip or many."""

from __future__ import annotations

from dataclasses import dataclass

from edge.verify.reliability import Bin


@dataclass(frozen=True)
class RowFigures:
    """Of one masked row of the head; rows in which it was missing count nowhere. Shares are 0..1, None without rows."""

    rows: int
    action_rows: int
    """Inside annotated actions that the bundle has a label for."""
    accuracy: float | None
    """Over all judged rows with a known truth, background included."""
    action_accuracy: float | None
    mean_class_accuracy: float | None
    """Mean over the labels that occur, background included."""
    segment_accuracy: float | None
    """Annotated segments whose mean probabilities have their label on top."""
    segment_mean_class_accuracy: float | None
    calibration_error: float | None


@dataclass(frozen=True)
class SegmentFigures:
    """Of the segments that were said, against the annotated ones that the bundle has a label for."""

    annotated: int
    said: int
    matched: int
    """At IoU of at least SEGMENT_IOU, of equal label."""
    f1: float | None
    precision: float | None
    recall: float | None
    mean_average_precision: dict[str, float | None]
    """By IoU '0.1'..'0.5', and 'mean'."""
    seconds_right: float
    """Of annotated action, while a said segment of the same label lasted."""
    annotated_seconds: float


@dataclass(frozen=True)
class UnknownFigures:
    """Telling rows of known actions from rows that the model cannot know."""

    known_rows: int
    unknown_rows: int
    """Of foreign labels, and of background when the bundle has no label for it."""
    auroc: dict[str, float | None]
    """By score: 'confidence' (of the fused row), 'familiarity' (edge/unknown.py)."""
    fpr95: dict[str, float | None]


@dataclass(frozen=True)
class Figures:
    """All of a verification."""

    clips: int
    duration_s: float
    modes: dict[str, RowFigures]
    """By 'all', 'video', 'audio'."""
    segments: SegmentFigures
    edits_per_minute: float | None
    """Insertions, deletions and changes that turn the order of labels said into the order annotated."""
    streaming_accuracy: float | None
    """As `accuracy` of mode 'all', by what was on the screen."""
    streaming_action_accuracy: float | None
    streaming_segments: SegmentFigures
    announcement_delay_s: float | None
    """Median over found segments: start of the annotated one -> announcement."""
    label_age_ms: tuple[float, float, float] | None
    """p50, p95, p99: measured at real pace, else as estimated; None without predictions."""
    unknown: UnknownFigures
    reliability: tuple[Bin, ...]
    """Of the fused row."""
