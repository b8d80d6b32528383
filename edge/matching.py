"""Pairing said segments with annotated ones, and the edit distance between two orders of labels."""

from __future__ import annotations

from collections.abc import Sequence

from edge.contract import Segment


def iou(a: Segment, b: Segment) -> float:
    """Intersection over union of two time stretches, 0..1."""
    shared_ns = min(a.end_ns, b.end_ns) - max(a.start_ns, b.start_ns)
    if shared_ns <= 0:
        return 0.0
    return shared_ns / (max(a.end_ns, b.end_ns) - min(a.start_ns, b.start_ns))


def match_segments(truth: Sequence[Segment], said: Sequence[Segment], min_iou: float) -> list[tuple[int, int]]:
    """Greedy one-to-one pairs (truth index, said index) of equal label, best IoU first, each at least `min_iou`.

    The F1@k of temporal action segmentation (Lea et al., "Temporal Convolutional Networks for Action Segmentation and
    Detection", CVPR 2017, section 4) with the pairs taken in order of IoU, so that the order of the lists is no matter.
    """
    pairs = [(iou(t, s), i, j) for i, t in enumerate(truth) for j, s in enumerate(said) if t.label == s.label]
    pairs = sorted((pair for pair in pairs if pair[0] >= min_iou and pair[0] > 0), key=lambda p: (-p[0], p[1], p[2]))
    matched: list[tuple[int, int]] = []
    taken_truth: set[int] = set()
    taken_said: set[int] = set()
    for _, i, j in pairs:
        if i not in taken_truth and j not in taken_said:
            matched.append((i, j))
            taken_truth.add(i)
            taken_said.add(j)
    return matched


def edit_distance(said: Sequence[str], truth: Sequence[str]) -> int:
    """Levenshtein distance between two orders of labels (the count behind the edit score of Lea et al. 2016)."""
    previous = list(range(len(truth) + 1))
    for i, said_label in enumerate(said, start=1):
        current = [i]
        for j, true_label in enumerate(truth, start=1):
            change = previous[j - 1] + (said_label != true_label)
            current.append(min(change, previous[j] + 1, current[j - 1] + 1))
        previous = current
    return previous[-1]
