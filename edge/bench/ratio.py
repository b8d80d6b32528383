"""How many times as fast one thing is as another, with the spread of that ratio over rounds taken side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Ratio:
    """`low` and `high` bound 95 % of what other rounds would have given (bootstrap)."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f} [{self.low:.2f}, {self.high:.2f}]"


def paired_ratio(reference_ms: Sequence[float], ms: Sequence[float]) -> Ratio:
    """reference / ms of rounds that took turns: the median of the rounds' ratios, rounds drawn again in pairs.

    Raises:
        ValueError: not the same number of rounds, or none.
    """
    if len(reference_ms) != len(ms) or not len(ms):
        raise ValueError(f"{len(reference_ms)} and {len(ms)} rounds: they must be pairs")
    ratios = np.asarray(reference_ms, np.float64) / np.asarray(ms, np.float64)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    return _ratio(float(np.median(ratios)), np.median(ratios[drawn], axis=1))


def unpaired_ratio(reference_ms: Sequence[float], ms: Sequence[float]) -> Ratio:
    """reference / ms of two runs at different times: the ratio of the medians, each side's rounds drawn again.

    Raises:
        ValueError: a side has no rounds.
    """
    first, second = np.asarray(reference_ms, np.float64), np.asarray(ms, np.float64)
    if not len(first) or not len(second):
        raise ValueError("no rounds")
    rng = np.random.default_rng(0)
    above = np.median(first[rng.integers(0, len(first), (_RESAMPLES, len(first)))], axis=1)
    below = np.median(second[rng.integers(0, len(second), (_RESAMPLES, len(second)))], axis=1)
    return _ratio(float(np.median(first) / np.median(second)), above / below)


def _ratio(value: float, drawn: np.ndarray) -> Ratio:
    low, high = np.percentile(drawn, _TAILS)
    # A handful of rounds cannot say less than what they themselves show.
    return Ratio(value, float(min(low, value)), float(max(high, value)))
