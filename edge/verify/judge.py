"""From evidence to figures: always from the pooled rows and segments, never from averages of clips.

The order of the clips makes no difference: they are taken in order of name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.contract import MODES, NS_PER_S
from edge.matching import edit_distance, match_segments
from edge.score import SEGMENT_IOU
from edge.unknown import familiarity
from edge.verify.detection import IOUS, ClipSegments, mean_average_precision
from edge.verify.evidence import FOREIGN, NOTHING, Evidence
from edge.verify.figures import Figures, RowFigures, SegmentFigures, UnknownFigures
from edge.verify.reliability import Bin, calibration_error, reliability
from edge.verify.separation import auroc, fpr95
from edge.verify.streaming import NEVER, annotated_seconds, from_announcement, on_screen, seconds_right


def judge(evidence: Sequence[Evidence]) -> Figures:
    """The figures over all evidence, which must be of one bundle.

    Raises:
        ValueError: no evidence, or of different labels.
    """
    clips = sorted(evidence, key=lambda e: (e.clip, e.result.duration_s))
    if not clips or any(e.result.labels != clips[0].result.labels for e in clips):
        raise ValueError("judge takes the evidence of one or more runs of one bundle")
    truth = np.concatenate([e.row_truth for e in clips])
    probabilities = np.concatenate([e.probabilities for e in clips])
    background = clips[0].background
    shown = np.concatenate([_shown(e) for e in clips])
    known = truth >= 0
    right = shown[known] == truth[known]
    action = truth[known] != (NEVER if background is None else background)
    offline = [ClipSegments(e.actions, [s.segment for s in e.said]) for e in clips]
    duration_s = float(sum(e.result.duration_s for e in clips))
    edits = sum(edit_distance([s.label for s in said], [s.label for s in true]) for true, said in offline)
    ages_ms = np.concatenate([(e.emitted_ns - [p.clip_end_ns for p in e.result.predictions]) / 1e6 for e in clips])
    bins = _reliability(probabilities[:, 0], truth)
    return Figures(
        clips=len(clips),
        duration_s=duration_s,
        modes={
            mode: _row_figures(probabilities[:, i], truth, background, _segment_hits(clips, i))
            for i, mode in enumerate(MODES)
        },
        segments=segment_figures(offline),
        edits_per_minute=60 * edits / duration_s if duration_s else None,
        streaming_accuracy=_mean(right),
        streaming_action_accuracy=_mean(right[action]),
        streaming_segments=segment_figures([ClipSegments(e.actions, from_announcement(e.said)) for e in clips]),
        announcement_delay_s=_announcement_delay_s(clips),
        label_age_ms=_percentiles(ages_ms),
        unknown=_unknown_figures(probabilities, truth, background),
        reliability=bins,
    )


def segment_figures(clips: Sequence[ClipSegments]) -> SegmentFigures:
    """Over the segments of many clips."""
    annotated, said = sum(len(c.truth) for c in clips), sum(len(c.said) for c in clips)
    matched = sum(len(match_segments(c.truth, c.said, SEGMENT_IOU)) for c in clips)
    by_iou = {f"{iou:g}": mean_average_precision(clips, iou) for iou in IOUS}
    found = [value for value in by_iou.values() if value is not None]
    return SegmentFigures(
        annotated=annotated,
        said=said,
        matched=matched,
        f1=2 * matched / (annotated + said) if annotated + said else None,
        precision=matched / said if said else None,
        recall=matched / annotated if annotated else None,
        mean_average_precision={**by_iou, "mean": float(np.mean(found)) if found else None},
        seconds_right=sum(seconds_right(c.truth, c.said) for c in clips),
        annotated_seconds=sum(annotated_seconds(c.truth) for c in clips),
    )


def _row_figures(
    p: NDArray[np.float32], truth: NDArray[np.int64], background: int | None, segments: list[tuple[str, bool]]
) -> RowFigures:
    there = np.isfinite(p).all(axis=1) & (truth >= 0)
    y = truth[there]
    right = p[there].argmax(axis=1) == y if len(y) else np.zeros(0, bool)
    action = y != background if background is not None else np.ones(len(y), bool)
    labels = sorted({label for label, _ in segments})
    return RowFigures(
        rows=len(y),
        action_rows=int(action.sum()),
        accuracy=_mean(right),
        action_accuracy=_mean(right[action]),
        mean_class_accuracy=float(np.mean([right[y == k].mean() for k in np.unique(y)])) if len(y) else None,
        segment_accuracy=_mean([hit for _, hit in segments]),
        segment_mean_class_accuracy=_mean([_mean([hit for name, hit in segments if name == k]) for k in labels]),
        calibration_error=calibration_error(_reliability(p, truth)),
    )


def _reliability(p: NDArray[np.float32], truth: NDArray[np.int64]) -> tuple[Bin, ...]:
    there = np.isfinite(p).all(axis=1) & (truth >= 0)
    known = p[there]
    return reliability(known.max(axis=1, initial=0), known.argmax(axis=1) == truth[there])


def _segment_hits(clips: Sequence[Evidence], mode: int) -> list[tuple[str, bool]]:
    """(label, whether the rows in it say so) of every annotated segment that holds the middle of a row."""
    hits = []
    for e in clips:
        for segment in e.actions:
            inside = (e.middle_ns >= segment.start_ns) & (e.middle_ns < segment.end_ns)
            rows = e.probabilities[inside, mode]
            rows = rows[np.isfinite(rows).all(axis=1)]
            if len(rows):
                hits.append((segment.label, e.result.labels[int(rows.mean(axis=0).argmax())] == segment.label))
    return hits


def _shown(e: Evidence) -> NDArray[np.int64]:
    """Index of the label on the screen at the middle of each row; NEVER where none is."""
    at = on_screen(e.emitted_ns, e.middle_ns)
    best = np.where(
        np.isfinite(e.probabilities[:, 0]).all(axis=1), np.nan_to_num(e.probabilities[:, 0]).argmax(1), NEVER
    )
    return np.where(at >= 0, best[at], NEVER)


def _announcement_delay_s(clips: Sequence[Evidence]) -> float | None:
    delays = [
        (e.said[j].announced_ns - e.actions[i].start_ns) / NS_PER_S
        for e in clips
        for i, j in match_segments(e.actions, [s.segment for s in e.said], SEGMENT_IOU)
    ]
    return float(np.median(delays)) if delays else None


def _unknown_figures(p: NDArray[np.float32], truth: NDArray[np.int64], background: int | None) -> UnknownFigures:
    there = np.isfinite(p[:, 0]).all(axis=1)
    known = there & (truth >= 0) & (truth != (NEVER if background is None else background))
    unknown = there & ((truth == FOREIGN) | (truth == NOTHING))
    scores = {"confidence": p[:, 0].max(axis=1, initial=0), "familiarity": familiarity(p, background)}
    return UnknownFigures(
        known_rows=int(known.sum()),
        unknown_rows=int(unknown.sum()),
        auroc={name: auroc(score[known], score[unknown]) for name, score in scores.items()},
        fpr95={name: fpr95(score[known], score[unknown]) for name, score in scores.items()},
    )


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float, float] | None:
    if not len(values):
        return None
    p50, p95, p99 = (float(value) for value in np.percentile(values, (50, 95, 99)))
    return p50, p95, p99


def _mean(values: Sequence[float | None] | NDArray[np.bool_]) -> float | None:
    return float(np.mean([float(v) for v in values if v is not None])) if len(values) else None
