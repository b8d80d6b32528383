from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from trainer.tables.statistics import RANDOM_FLIPS, compare, estimate, holm, least_p, sign_flip_p, t_quantile


@pytest.fixture(scope="module")
def stats() -> Any:
    return pytest.importorskip("scipy.stats", reason="scipy, the other implementation, is not installed")


def test_t_quantile_is_that_of_the_printed_tables() -> None:
    assert [round(t_quantile(n), 3) for n in (1, 2, 4, 9, 30)] == [12.706, 4.303, 2.776, 2.262, 2.042]


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 40, 300])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_t_quantile_is_scipys(freedom: int, level: float, stats: Any) -> None:
    assert t_quantile(freedom, level) == pytest.approx(stats.t.ppf((1 + level) / 2, freedom), rel=1e-9)


def test_estimate_is_scipys_interval_of_the_split_means(stats: Any) -> None:
    values = np.random.default_rng(1).normal(30, 4, (7, 3))
    found = estimate(values)
    means = [row.mean() for row in values]
    low, high = stats.t.interval(0.95, 6, loc=np.mean(means), scale=stats.sem(means))
    assert found.mean == pytest.approx(values.mean())
    assert found.interval == pytest.approx((low, high))
    assert found.seed_sd == pytest.approx(math.sqrt(np.mean([row.var(ddof=1) for row in values])))


def test_one_split_or_one_seed_gives_no_interval_or_spread() -> None:
    assert estimate(np.array([[1.0, 2.0]])).interval is None
    assert estimate(np.array([[1.0], [2.0]])).seed_sd is None


def test_the_interval_covers_the_mean_of_all_domains() -> None:
    """Domains differ and seeds are noisy: 95 of 100 intervals hold the true mean, whatever the number of seeds."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(2000):
        values = 30 + rng.normal(0, 5, (6, 1)) + rng.normal(0, 1, (6, 4))
        low, high = estimate(values).interval or (0, 0)
        held += low <= 30 <= high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_sign_flip_is_the_literal_count_and_scipys(count: int, stats: Any) -> None:
    d = np.random.default_rng(count).normal(0.4, 1, count)
    choices = itertools.product((1, -1), repeat=count)
    flipped = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in choices]
    literal = sum(f >= abs(d.sum()) - 1e-12 for f in flipped) / 2**count
    assert sign_flip_p(d) == pytest.approx(literal)
    if count > 1:
        scipys = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert sign_flip_p(d) == pytest.approx(scipys.pvalue)


def test_sign_flip_of_many_differences_is_near_the_exact_one(stats: Any) -> None:
    d = np.random.default_rng(3).normal(0.6, 1, 15)
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(d) == pytest.approx(exact.pvalue, abs=4 * math.sqrt(exact.pvalue / RANDOM_FLIPS))


def test_sign_flip_of_no_difference_is_1_and_of_equal_ones_the_least() -> None:
    assert sign_flip_p(np.zeros(4)) == 1
    assert sign_flip_p(np.full(10, 0.1)) == least_p(10) == 2 / 2**10
    assert sign_flip_p(np.full(50, 0.1)) == pytest.approx(1 / 20_000)
    assert sign_flip_p(np.array([1.0, np.inf])) == sign_flip_p(np.array([1.0, np.nan])) == 1


def test_compare_counts_a_split_once() -> None:
    """One split that gains a lot and three that lose: many seeds make it no evidence about domains."""
    reference = np.zeros((4, 5))
    values = np.repeat(np.array([[9.0], [-1.0], [-1.0], [-1.0]]), 5, axis=1)
    found = compare(values, reference)
    assert found.difference.mean == pytest.approx(1.5)
    assert found.p_splits == 1.0
    assert found.p_runs < 0.2


def test_compare_pairs_runs() -> None:
    """A small steady gain is found under differences between splits that are a hundred times larger."""
    rng = np.random.default_rng(4)
    reference = rng.normal(40, 10, (10, 5))
    found = compare(reference + rng.normal(0.3, 0.1, (10, 5)), reference)
    assert found.p_splits == least_p(10)
    low, high = found.difference.interval or (0, 0)
    assert 0 < low < 0.3 < high < 0.5


def test_a_useless_method_is_significant_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(5)
    p = [compare(rng.normal(0, 1, (10, 3)), rng.normal(0, 1, (10, 3))) for _ in range(200)]
    assert np.mean([c.p_splits <= 0.05 for c in p]) < 0.09


def test_holm_is_the_literal_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
