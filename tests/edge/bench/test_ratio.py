from __future__ import annotations

import numpy as np
import pytest

from edge.bench.ratio import paired_ratio, unpaired_ratio


def test_a_busy_round_hits_both_and_leaves_the_ratio_alone() -> None:
    busy = np.array([1.0, 3.0, 1.2, 8.0, 1.0])
    ratio = paired_ratio(list(20 * busy), list(10 * busy))
    assert (ratio.ratio, ratio.low, ratio.high) == (2.0, 2.0, 2.0)


def test_the_spread_holds_the_truth() -> None:
    """Of 200 experiments with a true ratio of 1.5, about 95 % of the intervals hold it."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(200):
        reference, other = 15 * rng.lognormal(0, 0.1, 15), 10 * rng.lognormal(0, 0.1, 15)
        ratio = unpaired_ratio(list(reference), list(other))
        held += ratio.low <= 1.5 <= ratio.high
    assert held >= 175


def test_unpaired_sides_may_have_different_numbers_of_rounds() -> None:
    ratio = unpaired_ratio([20.0, 22.0, 18.0], [10.0, 10.0])
    assert ratio.ratio == 2.0
    assert ratio.low == pytest.approx(1.8)
    assert ratio.high == pytest.approx(2.2)


def test_rounds_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_ratio([1.0, 2.0], [1.0])
