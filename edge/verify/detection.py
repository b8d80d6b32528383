"""Mean average precision of temporal action detection, as ActivityNet and EPIC-KITCHENS-100 define it.

Source: the evaluation code of EPIC-KITCHENS-100's action detection challenge, which is ActivityNet's: per class, the
detections of all clips in order of confidence; each takes the annotated segment of its clip with the largest IoU that
is still free and reaches the threshold, else it is false; precision is interpolated as in PASCAL VOC 2010-2012; the
mean is over the classes that are annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edge.contract import Segment
from edge.matching import iou

IOUS = (0.1, 0.2, 0.3, 0.4, 0.5)


class ClipSegments(NamedTuple):
    """Annotated and said segments of one clip."""

    truth: Sequence[Segment]
    said: Sequence[Segment]
    """`confidence` is the score that orders them."""


def mean_average_precision(clips: Sequence[ClipSegments], min_iou: float) -> float | None:
    """Mean over the annotated classes, 0..1; None when nothing is annotated."""
    classes = sorted({s.label for clip in clips for s in clip.truth})
    return float(np.mean([average_precision(clips, label, min_iou) for label in classes])) if classes else None


def average_precision(clips: Sequence[ClipSegments], label: str, min_iou: float) -> float:
    """Of one annotated class. Detections of equal confidence are taken in order of clip and start."""
    truth = [[s for s in clip.truth if s.label == label] for clip in clips]
    detections = [(s, index) for index, clip in enumerate(clips) for s in clip.said if s.label == label]
    detections.sort(key=lambda found: (-found[0].confidence, found[1], found[0].start_ns))
    free = [set(range(len(segments))) for segments in truth]
    hits = np.zeros(len(detections))
    for place, (segment, clip_index) in enumerate(detections):
        overlaps = [(iou(truth[clip_index][i], segment), i) for i in free[clip_index]]
        best, taken = max(overlaps, default=(0.0, -1))
        if best >= min_iou and best > 0:
            free[clip_index].discard(taken)
            hits[place] = 1
    return _area(hits, sum(map(len, truth)))


def _area(hits: np.ndarray, positives: int) -> float:
    """Under precision over recall, precision being the best at any higher recall."""
    if not len(hits):
        return 0.0
    found = np.cumsum(hits)
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((precision * hits).sum() / positives)
