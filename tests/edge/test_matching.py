from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import Segment
from edge.matching import edit_distance, iou, match_segments
from tests.edge.snapshots import seconds


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 10), (0, 10), 1.0),
        ((0, 10), (5, 15), 1 / 3),
        ((0, 10), (2, 4), 0.2),
        ((0, 10), (10, 20), 0.0),
        ((0, 1), (5, 6), 0.0),
    ],
)
def test_intersection_over_union(a: tuple[int, int], b: tuple[int, int], expected: float) -> None:
    assert iou(seconds(*a, "x"), seconds(*b, "x")) == pytest.approx(expected)


def test_a_pair_at_exactly_the_threshold_counts_and_one_just_below_does_not() -> None:
    truth = [seconds(0, 10, "cut")]
    assert match_segments(truth, [seconds(5, 10, "cut")], 0.5) == [(0, 0)]
    assert match_segments(truth, [seconds(5.001, 10, "cut")], 0.5) == []


def test_labels_must_be_equal() -> None:
    assert match_segments([seconds(0, 10, "cut")], [seconds(0, 10, "pour")], 0.5) == []


def test_each_segment_is_matched_once_and_the_best_pair_first() -> None:
    truth = [seconds(0, 10, "cut")]
    said = [seconds(0, 6, "cut"), seconds(1, 10, "cut")]
    assert match_segments(truth, said, 0.5) == [(0, 1)]


SEGMENTS = st.lists(
    st.builds(
        lambda start, length, label: Segment(start, start + length, label, 0.5),
        st.integers(0, 40),
        st.integers(1, 20),
        st.sampled_from("abc"),
    ),
    max_size=8,
)


@given(SEGMENTS, SEGMENTS, st.sampled_from([0.1, 0.5, 0.9]))
def test_matching_is_one_to_one_and_symmetric_in_number(
    truth: list[Segment], said: list[Segment], min_iou: float
) -> None:
    pairs = match_segments(truth, said, min_iou)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(truth[i].label == said[j].label and iou(truth[i], said[j]) >= min_iou for i, j in pairs)


@given(SEGMENTS)
def test_everything_matches_itself(segments: list[Segment]) -> None:
    assert len(match_segments(segments, segments, 0.5)) == len(segments)


@pytest.mark.parametrize(
    ("said", "truth", "expected"),
    [("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_edit_distance(said: str, truth: str, expected: int) -> None:
    assert edit_distance(list(said), list(truth)) == expected


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edit_distance_is_symmetric_and_bounded(a: str, b: str) -> None:
    distance = edit_distance(list(a), list(b))
    assert distance == edit_distance(list(b), list(a))
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))
