from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calibration.entropy import STRIDE_BINS, entropy_threshold
from calibration.errors import CalibrationError
from calibration.histogram import Histogram
from calibration.observers import PERCENTILE, observe


def distribution(seed: int, kind: str) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    values = {
        "normal": generator.normal(size=20_000),
        "relu": np.maximum(generator.normal(-0.5, size=20_000), 0),
        "heavy tail": generator.standard_t(2.2, size=20_000),
        "negative": -np.abs(generator.normal(size=20_000)),
        "outlier": np.append(generator.normal(size=20_000), 400.0),
    }[kind]
    return (values * 10.0 ** generator.uniform(-3, 3)).astype(np.float32)


KINDS = st.sampled_from(["normal", "relu", "heavy tail", "negative", "outlier"])
SEEDS = st.integers(0, 2**20)


def histogram_of(values: NDArray[np.float32]) -> Histogram:
    histogram = Histogram()
    for part in np.array_split(values, 7):
        histogram.add(part)
    return histogram


@given(SEEDS, KINDS)
def test_minmax_is_the_literal_one(seed: int, kind: str) -> None:
    values = distribution(seed, kind)
    found = observe(histogram_of(values), "minmax")
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    assert found == (values.min(), values.max(), low, high, float(np.abs(values).max()))


@settings(deadline=None)
@given(SEEDS, KINDS, st.sampled_from([95.0, 99.9, PERCENTILE]))
def test_percentile_is_the_literal_one_within_a_bin(seed: int, kind: str, percentile: float) -> None:
    values = distribution(seed, kind)
    histogram = histogram_of(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calibration.observers.PERCENTILE", percentile)
        found = observe(histogram, "percentile")
    allowed = len(values) * (1 - percentile / 100)
    for sign, end in ((1, found.high), (-1, -found.low)):
        outwards = np.sort(np.maximum(sign * values, 0))[::-1]
        # The literal percentile: the largest value that leaves no more than the allowed share outside.
        literal = outwards[math.floor(allowed)]
        assert end >= literal - histogram.width
        assert end <= max(literal, 0) + histogram.width
    assert found.threshold == max(-found.low, found.high)


def literal_divergence(counts: list[float], bins: int, levels: int) -> float:
    """Slides 22 to 26 of the source, bin by bin."""
    p = [counts[i] for i in range(bins)]
    p[-1] += sum(counts[bins:])
    q = [0.0] * bins
    for level in range(levels):
        members = range(level * bins // levels, (level + 1) * bins // levels)
        held = [i for i in members if counts[i] > 0]
        for i in held:
            q[i] = sum(counts[j] for j in members) / len(held)
    if sum(p) == 0 or sum(q) == 0:
        return math.inf
    total = 0.0
    for i in range(bins):
        if p[i] > 0 and q[i] == 0:
            return math.inf
        if p[i] > 0:
            total += p[i] / sum(p) * math.log(p[i] / sum(p) * sum(q) / q[i])
    return total


@settings(deadline=None, max_examples=10)
@given(SEEDS, st.sampled_from([4, 8]))
def test_entropy_is_the_literal_one(seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    counts = np.bincount(np.minimum(np.abs(generator.standard_t(2.0, size=3000)) * 12, 99).astype(int))
    literal = [float(c) for c in counts]
    literal[0] = literal[1]
    bins = [*range(levels, len(literal), STRIDE_BINS), len(literal)]
    divergences = [literal_divergence(literal, b, levels) for b in bins]
    found = entropy_threshold(counts.astype(np.int64), 0.5, levels)
    best = min(divergences)
    assert math.isfinite(best)
    assert divergences[bins.index(int(found / 0.5))] == pytest.approx(best, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(SEEDS, KINDS)
def test_entropy_keeps_what_a_range_promises(seed: int, kind: str) -> None:
    values = distribution(seed, kind)
    found = observe(histogram_of(values), "entropy")
    assert min(values.min(), 0) <= found.low <= 0 <= found.high <= max(values.max(), 0)
    assert 0 < found.threshold <= np.abs(values).max()


def test_entropy_cuts_a_lone_outlier_and_keeps_a_flat_distribution() -> None:
    generator = np.random.default_rng(5)
    normal = generator.normal(size=50_000).astype(np.float32)
    assert observe(histogram_of(np.append(normal, np.float32(30))), "entropy").threshold < 10
    flat = generator.uniform(-3, 3, size=50_000).astype(np.float32)
    assert observe(histogram_of(flat), "entropy").threshold == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy"])
def test_a_tensor_of_zeros_has_a_range_of_zero(method: str) -> None:
    assert observe(histogram_of(np.zeros(100, np.float32)), method) == (0, 0, 0, 0, 0)


def test_unknown_method() -> None:
    with pytest.raises(CalibrationError, match="'mse' is not one of minmax, percentile, entropy"):
        observe(Histogram(), "mse")
