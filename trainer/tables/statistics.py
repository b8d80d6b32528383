"""What can be said of accuracies measured over held-out splits and seeds: intervals and paired tests.

Values form a matrix [splits, seeds]. Seeds of one split share its clips, so that they are no independent evidence
about other domains: whatever speaks of domains counts a split once, by its mean over the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval."""
EXACT_FLIPS = 14
"""Up to so many differences every choice of signs is counted; beyond, RANDOM_FLIPS are drawn."""
RANDOM_FLIPS = 19_999


@dataclass(frozen=True)
class Estimate:
    """A mean, and where it may lie for other splits of the same kind."""

    mean: float
    interval: tuple[float, float] | None
    """Student's t interval of the split means; None with fewer than two splits."""
    seed_sd: float | None
    """Standard deviation over seeds within a split, pooled over the splits; None with one seed."""


@dataclass(frozen=True)
class Comparison:
    """A row against the reference row, paired by split and seed."""

    difference: Estimate
    p_splits: float
    """Two-sided sign-flip test, whole splits flipped: is there a difference for domains like these?"""
    p_runs: float
    """The same with every pair of runs flipped by itself: is there one on these splits, for other seeds?"""


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Mean, t interval over split means, and spread over seeds of values [splits, seeds]."""
    split_means = values.mean(axis=1)
    splits, seeds = values.shape
    mean = float(split_means.mean())
    interval = None
    if splits > 1:
        half = t_quantile(splits - 1) * float(split_means.std(ddof=1)) / math.sqrt(splits)
        interval = (mean - half, mean + half)
    seed_sd = math.sqrt(float(values.var(axis=1, ddof=1).mean())) if seeds > 1 else None
    return Estimate(mean, interval, seed_sd)


def compare(values: NDArray[np.float64], reference: NDArray[np.float64]) -> Comparison:
    """Both [splits, seeds], the same splits and seeds in the same order."""
    differences = values - reference
    return Comparison(
        estimate(differences),
        p_splits=sign_flip_p(differences.mean(axis=1)),
        p_runs=sign_flip_p(differences.ravel()),
    )


def sign_flip_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of the paired sign-flip (permutation) test of mean 0.

    Without an effect each difference is as likely with the other sign: p is the share of sign choices whose mean is at
    least as far from 0 as the observed one. Drawn choices (see EXACT_FLIPS) count the observed one among them (Phipson
    and Smyth, "Permutation P-values should never be zero", 2010).

    Args:
        differences: float [n], n >= 1; p is 1 when one of them is not finite.
    """
    if not np.isfinite(differences).all():
        return 1.0
    count = len(differences)
    observed = abs(float(differences.sum()))
    least = observed - 1e-9 * max(observed, float(np.abs(differences).sum()))  # ties must not hang on rounding
    if count <= EXACT_FLIPS:
        bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return float((np.abs((1 - 2 * bits) @ differences) >= least).mean())
    signs = np.random.default_rng(0).integers(0, 2, (RANDOM_FLIPS, count), np.int8) * 2 - 1
    extreme = int((np.abs(signs @ differences) >= least).sum())
    return (extreme + 1) / (RANDOM_FLIPS + 1)


def least_p(splits: int) -> float:
    """The smallest p that flipping `splits` splits can give."""
    return 2.0 ** (1 - splits)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number: Holm, "A simple sequentially rejective multiple test procedure" (1979)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


@lru_cache(maxsize=64)
def t_quantile(freedom: int, level: float = LEVEL) -> float:
    """The t with probability `level` between -t and t, Student's distribution with `freedom` >= 1 degrees of freedom.

    With t = sqrt(freedom) tan(angle) the density becomes cos(angle)^(freedom - 1), which is integrated by Gauss's rule
    and inverted by bisection.
    """
    nodes, weights = np.polynomial.legendre.leggauss(96)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)

    def inside(angle: float) -> float:
        """Probability between -t and t."""
        return float(scale * angle * (weights @ np.cos(angle * (nodes + 1) / 2) ** (freedom - 1)))

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)
