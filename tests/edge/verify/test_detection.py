"""Average precision against a literal version of the published evaluation, on random segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import Segment
from edge.verify.detection import IOUS, ClipSegments, average_precision, mean_average_precision


@st.composite
def clips(draw: st.DrawFn) -> list[ClipSegments]:
    def segment(confidence: float) -> Segment:
        start = draw(st.integers(0, 30))
        return Segment(start, start + draw(st.integers(1, 12)), draw(st.sampled_from("ab")), confidence)

    # Distinct confidences: with ties the published code leaves the order to the sorting routine.
    levels = iter(draw(st.permutations(range(40))))
    return [
        ClipSegments(
            [segment(1.0) for _ in range(draw(st.integers(0, 5)))],
            [segment(next(levels) / 40) for _ in range(draw(st.integers(0, 8)))],
        )
        for _ in range(draw(st.integers(1, 3)))
    ]


def literal_ap(held: list[ClipSegments], label: str, min_iou: float) -> float:
    """Step by step as the challenge's evaluation does it, with plain loops."""
    truth = [(c, s) for c, clip in enumerate(held) for s in clip.truth if s.label == label]
    found = [(s.confidence, c, s) for c, clip in enumerate(held) for s in clip.said if s.label == label]
    found.sort(key=lambda f: -f[0])
    locked: set[int] = set()
    true_positive = []
    for _, clip, s in found:
        ious = []
        for index, (where, t) in enumerate(truth):
            if where == clip:
                shared = max(0, min(s.end_ns, t.end_ns) - max(s.start_ns, t.start_ns))
                union = (s.end_ns - s.start_ns) + (t.end_ns - t.start_ns) - shared
                ious.append((shared / union, index))
        hit = 0
        for overlap, index in sorted(ious, reverse=True):
            if overlap < min_iou:
                break
            if index not in locked:
                locked.add(index)
                hit = 1
                break
        true_positive.append(hit)
    recall, precision = [0.0], [0.0]
    for n in range(1, len(found) + 1):
        recall.append(sum(true_positive[:n]) / len(truth))
        precision.append(sum(true_positive[:n]) / n)
    recall.append(1.0)
    precision.append(0.0)
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


@settings(max_examples=200)
@given(clips(), st.sampled_from(IOUS))
def test_average_precision_is_the_published_one(held: list[ClipSegments], min_iou: float) -> None:
    labels = sorted({s.label for clip in held for s in clip.truth})
    for label in labels:
        assert average_precision(held, label, min_iou) == pytest.approx(literal_ap(held, label, min_iou))
    mean = mean_average_precision(held, min_iou)
    assert (
        (mean is None) if not labels else mean == pytest.approx(np.mean([literal_ap(held, n, min_iou) for n in labels]))
    )


@given(clips())
def test_a_stricter_overlap_never_finds_more(held: list[ClipSegments]) -> None:
    found = [mean_average_precision(held, iou) for iou in (0.1, 0.5, 1.0)]
    if found[0] is not None:
        assert found[0] + 1e-12 >= found[1] >= found[2] - 1e-12  # type: ignore[operator]


def test_two_detections_of_one_segment_are_one_hit_and_one_mistake() -> None:
    truth = [Segment(0, 10, "a", 1.0), Segment(20, 30, "a", 1.0)]
    said = [Segment(0, 10, "a", 0.9), Segment(1, 10, "a", 0.8), Segment(20, 30, "a", 0.7)]
    assert average_precision([ClipSegments(truth, said)], "a", 0.5) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_segment_of_another_clip_is_no_hit() -> None:
    said = ClipSegments([], [Segment(0, 10, "a", 0.9)])
    assert mean_average_precision([ClipSegments([Segment(0, 10, "a", 1.0)], []), said], 0.5) == 0.0
