"""The figures of many timings of one thing, as every bench prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Distribution:
    """Of `runs` timings, in ms. Percentiles interpolate between neighbours, as NumPy does by default."""

    runs: int
    min: float
    mean: float
    median: float
    p90: float
    p95: float
    p99: float
    max: float


def distribution(ms: Sequence[float]) -> Distribution:
    """Raises ValueError: there is nothing to describe."""
    if not len(ms):
        raise ValueError("no timings")
    values = np.asarray(ms, np.float64)
    median, p90, p95, p99 = (float(value) for value in np.percentile(values, (50, 90, 95, 99)))
    return Distribution(
        len(values), float(values.min()), float(values.mean()), median, p90, p95, p99, float(values.max())
    )
