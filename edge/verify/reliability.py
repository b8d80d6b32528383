"""Whether a confidence means what it says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15


class Bin(NamedTuple):
    """Rows whose confidence lies in (low, high]."""

    low: float
    high: float
    rows: int
    confidence: float
    """Mean; 0 without rows."""
    accuracy: float
    """Share that was right; 0 without rows."""


def reliability(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Rows by confidence, in equal-width bins that are open on the left."""
    place = np.clip(np.ceil(np.asarray(confidence, np.float64) * bins).astype(int) - 1, 0, bins - 1)
    rows = np.bincount(place, minlength=bins)
    filled = np.maximum(rows, 1)
    mean = np.bincount(place, weights=confidence, minlength=bins) / filled
    share = np.bincount(place, weights=right, minlength=bins) / filled
    return tuple(Bin(i / bins, (i + 1) / bins, int(rows[i]), float(mean[i]), float(share[i])) for i in range(bins))


def calibration_error(bins: tuple[Bin, ...]) -> float | None:
    """Expected calibration error: the gap of each bin, weighted by its rows. None without rows.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), equation 3.
    """
    rows = sum(b.rows for b in bins)
    return sum(b.rows * abs(b.confidence - b.accuracy) for b in bins) / rows if rows else None
