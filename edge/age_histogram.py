"""Percentiles of ages over hours in constant memory: a histogram whose bins are two per cent wide."""

from __future__ import annotations

import numpy as np

LOWEST_MS, HIGHEST_MS = 0.1, 1e6
_STEP = 1.02
_BINS = int(np.ceil(np.log(HIGHEST_MS / LOWEST_MS) / np.log(_STEP)))


class AgeHistogram:
    """Counts ages in ms; an age outside 0.1 ms to 1000 s counts as the nearest of the two."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)

    def add(self, age_ms: float) -> None:
        ratio = min(max(age_ms, LOWEST_MS), HIGHEST_MS) / LOWEST_MS
        self._counts[min(int(np.log(ratio) / np.log(_STEP)), _BINS - 1)] += 1

    def percentiles(self) -> tuple[float, float, float] | None:
        """p50, p95, p99, each within one per cent of an age that occurred (nearest rank); None when there was none."""
        cumulative = np.cumsum(self._counts)
        total = int(cumulative[-1])
        if total == 0:
            return None
        ranks = np.ceil(np.array([0.50, 0.95, 0.99]) * total)
        p50, p95, p99 = LOWEST_MS * _STEP ** (np.searchsorted(cumulative, ranks) + 0.5)
        return float(p50), float(p95), float(p99)
