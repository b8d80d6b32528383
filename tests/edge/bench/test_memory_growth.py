from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import stats

from edge.bench.memory_growth import STRETCHES, ProcessSample, Slope, sample_process, slope_of


def hours_of(mb_an_hour: float, seed: int = 0, minutes: float = 120, period_s: float = 2) -> list[ProcessSample]:
    rng = np.random.default_rng(seed)
    times = np.arange(0, 60 * minutes, period_s)
    return [ProcessSample(t, 150 + mb_an_hour * t / 3600 + rng.normal(0, 0.5), 9) for t in times]


def test_slope_and_interval_equal_scipys() -> None:
    samples = hours_of(3.0, seed=5)
    parts = np.array_split(np.array([(s.t_s / 3600, s.memory_mb) for s in samples]), STRETCHES)
    means = np.array([part.mean(axis=0) for part in parts])
    fit = stats.linregress(means[:, 0], means[:, 1])
    half = stats.t.ppf(0.975, STRETCHES - 2) * fit.stderr
    assert slope_of(samples) == pytest.approx((fit.slope, fit.slope - half, fit.slope + half), rel=1e-4)


def test_noise_does_not_grow_and_a_leak_does() -> None:
    for seed in range(20):
        flat = slope_of(hours_of(0.0, seed))
        assert flat is not None
        assert not flat.grows
    leak = slope_of(hours_of(5.0))
    assert leak is not None
    assert leak.grows


def test_a_growth_that_nobody_would_see_is_none() -> None:
    assert not Slope(0.5, 0.4, 0.6).grows


def test_minutes_say_nothing_about_hours() -> None:
    assert slope_of(hours_of(5.0, minutes=5)) is None
    assert slope_of(hours_of(5.0, period_s=1000)) is None


def test_a_process_is_sampled_and_one_that_is_gone_is_not() -> None:
    sample = sample_process(os.getpid(), 1.0)
    assert sample is not None
    assert 5 < sample.memory_mb < 10_000
    assert sample.descriptors >= 3
    assert sample_process(2**22 + 1, 1.0) is None
