from __future__ import annotations

import numpy as np
import pytest

from edge.compare.difference import feature_differences, label_differences, tensor_difference
from edge.compare.outputs import FEATURES, Outputs
from edge.contract import NS_PER_S, Segment

LABELS = ("idle", "cut", "pour")


def outputs(probabilities: list[list[list[float]]], features: np.ndarray | None = None) -> Outputs:
    n = len(probabilities)
    values = np.zeros((n, 4), np.float32) if features is None else features
    return Outputs(
        features=dict.fromkeys(FEATURES, values),
        probabilities=np.array(probabilities, np.float32),
        centre_ns=np.arange(n, dtype=np.int64) * NS_PER_S,
        clip=("a.mp4",) * n,
    )


def test_a_shared_mean_does_not_flatter() -> None:
    rng = np.random.default_rng(0)
    first = 100 + rng.normal(size=(50, 32))
    second = 100 + rng.normal(size=(50, 32))  # nothing but the mean in common
    plain = (first * second).sum() / np.linalg.norm(first) / np.linalg.norm(second)
    found = tensor_difference("appearance", first, second)
    assert plain > 0.999
    assert abs(found.centred_cosine_mean) < 0.2
    assert found.relative_l2 == pytest.approx(np.sqrt(2), rel=0.1)


def test_against_the_definition() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(size=(9, 5))
    second = first + 0.1 * rng.normal(size=(9, 5))
    found = tensor_difference("x", first, second)
    a, b = first - first.mean(0), second - first.mean(0)
    cosines = [float(p @ q / np.sqrt(p @ p) / np.sqrt(q @ q)) for p, q in zip(a, b, strict=True)]
    assert found.centred_cosine_mean == pytest.approx(np.mean(cosines))
    assert found.centred_cosine_min == pytest.approx(min(cosines))
    assert found.max_abs == pytest.approx(np.abs(first - second).max())
    assert found.relative_l2 == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(a))


def test_windows_that_one_side_lacks_are_left_out() -> None:
    first, second = np.ones((3, 2)), np.ones((3, 2))
    first[1] = np.nan
    assert tensor_difference("x", first, second).windows == 2
    second[0] = np.nan
    only = tensor_difference("x", first, second)
    assert only.windows == 1
    assert np.isnan(only.centred_cosine_mean)


def test_labels_changes_and_accuracy() -> None:
    sure, other = [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]
    absent = [float("nan")] * 3
    first = outputs([[sure, sure, absent], [sure, sure, absent], [other, other, absent]])
    second = outputs([[sure, sure, absent], [other, sure, absent], [other, other, absent]])
    truth = {"a.mp4": (Segment(0, 2 * NS_PER_S, "cut", 1.0), Segment(2 * NS_PER_S, 9 * NS_PER_S, "foreign", 1.0))}
    everything, video = label_differences(first, second, LABELS, truth)
    assert (everything.mode, video.mode) == ("all", "video")  # nothing was heard: no row for audio
    assert everything.agreement == pytest.approx(2 / 3)
    assert everything.changes == (("cut", "pour", 1),)
    assert everything.probability_shift == pytest.approx(0.7 / 3)
    assert everything.accuracy == (1.0, 0.5)
    assert everything.accuracy_windows == 2  # the third lies in a label that the bundle does not know
    assert video.agreement == 1.0


def test_without_truth_there_is_no_accuracy() -> None:
    said = outputs([[[0.2, 0.3, 0.5]] * 3] * 2)
    assert all(mode.accuracy is None for mode in label_differences(said, said, LABELS))
    assert [t.max_abs for t in feature_differences(said, said)] == [0.0, 0.0, 0.0]
