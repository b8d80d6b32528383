"""Clipping threshold by relative entropy.

Source: Migacz, "8-bit Inference with TensorRT", GTC 2017, slides 22 to 26: among the thresholds, take the one whose
quantised distribution is nearest (Kullback-Leibler) to the clipped one. Values that are exactly zero lose nothing and
would drown all others behind a ReLU, so the first bin is set to its neighbour's count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRIDE_BINS = 8
"""Thresholds tried lie this many bins apart: below 1 % of the range."""


def entropy_threshold(magnitudes: NDArray[np.int64], width: float, levels: int) -> float:
    """The threshold of least divergence.

    Args:
        magnitudes: int64 [n], counts of |value| in bins of `width` from 0 on.
        width: of a bin.
        levels: steps between 0 and the threshold: 128 for values of both signs in 8 bits, 256 for one sign.

    Returns:
        A multiple of `width`, at most the end of the last bin that is not empty.

    Raises:
        ValueError: the bins in use are fewer than the levels (never with a `Histogram`).
    """
    counts = magnitudes.astype(np.float64)
    occupied = int(np.flatnonzero(counts)[-1]) + 1
    if occupied < levels:
        raise ValueError(f"{occupied} bins in use for {levels} levels")
    counts[0] = counts[1]
    candidates = [*range(levels, occupied, STRIDE_BINS), occupied]
    divergences = [_divergence(counts, bins, levels) for bins in candidates]
    return candidates[int(np.argmin(divergences))] * width


def _divergence(counts: NDArray[np.float64], bins: int, levels: int) -> float:
    """KL(clipped || quantised) of the first `bins` bins, the rest clipped into the last one."""
    inside = counts[:bins]
    clipped = inside.copy()
    clipped[-1] += counts[bins:].sum()
    starts = np.arange(levels) * bins // levels
    filled = (inside > 0).astype(np.float64)
    sums, holders = np.add.reduceat(inside, starts), np.add.reduceat(filled, starts)
    means = np.divide(sums, holders, out=np.zeros(levels), where=holders > 0)
    spread = np.repeat(means, np.diff(np.append(starts, bins))) * filled
    mass, spread_mass = clipped.sum(), spread.sum()
    if mass == 0 or spread_mass == 0:
        return np.inf
    held = clipped > 0
    if (spread[held] == 0).any():
        return np.inf  # clipped mass in a bin that held nothing: the divergence is infinite
    p, q = clipped[held] / mass, spread[held] / spread_mass
    return float((p * np.log(p / q)).sum())
