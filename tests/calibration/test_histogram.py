from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calibration.histogram import BINS, Histogram

MAGNITUDES = st.floats(2.0**-20, 2.0**20, width=32)
VALUES = st.lists(st.one_of(st.just(0.0), MAGNITUDES, MAGNITUDES.map(lambda v: -v)), min_size=1, max_size=60)


def literal_counts(values: NDArray[np.float32], width: float) -> NDArray[np.int64]:
    """One value at a time, in double precision."""
    counts = np.zeros(2 * BINS, np.int64)
    for value in values:
        counts[int(np.floor(float(value) / width)) + BINS] += 1
    return counts


def filled(*batches: NDArray[np.float32]) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    return histogram


def same(a: Histogram, b: Histogram) -> bool:
    ends = (a.minimum, a.maximum, a.width) == (b.minimum, b.maximum, b.width)
    return ends and np.array_equal(a.counts, b.counts)


@given(VALUES)
def test_counts_are_those_of_counting_one_by_one(values: list[float]) -> None:
    array = np.array(values, np.float32)
    histogram = filled(array)
    assert (histogram.minimum, histogram.maximum) == (array.min(), array.max())
    peak = float(np.abs(array).max())
    if peak == 0:
        assert histogram.width == 0
        assert histogram.counts[BINS] == histogram.total == len(values)
        return
    assert BINS / 2 * histogram.width <= peak < BINS * histogram.width
    np.testing.assert_array_equal(histogram.counts, literal_counts(array, histogram.width))


@given(st.lists(VALUES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_streaming_equals_one_shot_in_any_order(batches: list[list[float]], random: object) -> None:
    arrays = [np.array(batch, np.float32) for batch in batches]
    at_once = filled(np.concatenate(arrays))
    assert same(filled(*arrays), at_once)
    random.shuffle(arrays)  # type: ignore[attr-defined]
    assert same(filled(*arrays), at_once)


@given(VALUES, VALUES, VALUES)
def test_merging_equals_adding(first: list[float], second: list[float], third: list[float]) -> None:
    a, b, c = (np.array(values, np.float32) for values in (first, second, third))
    merged = filled(a)
    merged.merge(filled(b, c))
    assert same(merged, filled(a, b, c))
    empty = Histogram()
    empty.merge(merged)
    empty.merge(Histogram())
    assert same(empty, merged)


def test_arrays_of_any_shape_and_more_than_a_chunk() -> None:
    values = np.random.default_rng(0).normal(size=(3, 7, 100_000)).astype(np.float32)
    histogram = filled(values.transpose(2, 0, 1))
    assert histogram.total == values.size
    np.testing.assert_array_equal(histogram.counts[BINS:].sum(), (values >= 0).sum())


def test_magnitudes_fold_both_sides() -> None:
    histogram = filled(np.float32([-1.0, -0.25, 0.0, 0.26, 0.99]))
    expected = np.zeros(BINS, np.int64)
    for magnitude in (1.0 - 1e-9, 0.25 - 1e-9, 0.0, 0.26, 0.99):  # a negative value lies below its bin's upper edge
        expected[int(magnitude / histogram.width)] += 1
    np.testing.assert_array_equal(histogram.magnitudes(), expected)


def test_memory_does_not_grow_with_the_number_of_values() -> None:
    generator = np.random.default_rng(1)
    few, many = Histogram(), Histogram()
    few.add(generator.normal(size=100).astype(np.float32))
    for round_ in range(300):
        many.add((generator.normal(size=1000) * 1.1**round_).astype(np.float32))

    def state_bytes(histogram: Histogram) -> int:
        return sum(v.nbytes if isinstance(v, np.ndarray) else sys.getsizeof(v) for v in vars(histogram).values())

    assert state_bytes(many) <= state_bytes(few) + 8  # Python's integers may take a word more
    assert many.total == 300_000


@pytest.mark.parametrize("bad", [np.float32([1, np.nan]), np.float32([np.inf]), np.float32([])])
def test_values_without_meaning_are_refused(bad: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match=r"not finite|no values"):
        filled(bad)


@settings(max_examples=20)
@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_extreme_single_values(value: float) -> None:
    histogram = filled(np.float32([value]))
    assert histogram.total == 1
    assert histogram.maximum == value
