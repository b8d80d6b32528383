"""The distribution of one tensor's values, in memory that does not grow with the number of values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BINS = 2048
"""Bins on each side of zero. At least half of one side is in use, so the largest magnitude spans 1025 bins or more."""

_SMALLEST_EXPONENT = -100
"""Narrower bins would leave float32; whatever is this small is zero to every use."""

_CHUNK = 1 << 20  # values binned at a time, so that temporary arrays stay small beside a feature map


class Histogram:
    """Counts in `2 * BINS` equal bins around zero whose width is a power of two.

    When a value falls outside, the width doubles and neighbouring bins are added up. Bin edges of a wider histogram are
    edges of the narrower one, so the result is exactly the one of binning all values at once, in any order.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(2 * BINS, np.int64)
        """Bin i holds the values in [(i - BINS) * width, (i - BINS + 1) * width)."""
        self._exponent: int | None = None
        self.minimum = math.inf
        self.maximum = -math.inf

    @property
    def width(self) -> float:
        """Width of a bin; 0 while every value was 0."""
        return 0.0 if self._exponent is None else math.ldexp(1.0, self._exponent)

    @property
    def total(self) -> int:
        """Values counted."""
        return int(self.counts.sum())

    def add(self, values: NDArray[np.floating]) -> None:
        """Count the values of an array of any shape.

        Raises:
            ValueError: a value is not finite, or there is none.
        """
        flat = np.asarray(values, np.float32).ravel()
        if not len(flat):
            raise ValueError("no values")
        low, high = float(flat.min()), float(flat.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("values that are not finite")
        self._cover(max(-low, high))
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        if self._exponent is None:
            self.counts[BINS] += len(flat)
            return
        scale = np.float32(math.ldexp(1.0, -self._exponent))  # a power of two: the product is exact
        for start in range(0, len(flat), _CHUNK):
            index = np.floor(flat[start : start + _CHUNK] * scale).astype(np.int32)
            index += BINS
            self.counts += np.bincount(index, minlength=2 * BINS)

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram, as if its values had been added to this one."""
        if other.maximum < other.minimum:
            return
        if other._exponent is not None:
            self._widen(other._exponent)
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        widened = Histogram()
        widened._exponent, widened.counts = other._exponent, other.counts
        if self._exponent is not None:
            widened._widen(self._exponent)
        self.counts = self.counts + widened.counts

    def magnitudes(self) -> NDArray[np.int64]:
        """Counts of |value| in BINS bins of `width` from 0 on, int64 [BINS]."""
        return self.counts[BINS:] + self.counts[BINS - 1 :: -1]

    def _cover(self, magnitude: float) -> None:
        if magnitude > 0:
            # frexp: magnitude = m * 2^e with m in [0.5, 1), so BINS bins of 2^e / BINS reach beyond it.
            self._widen(max(_SMALLEST_EXPONENT, math.frexp(magnitude)[1] - (BINS.bit_length() - 1)))

    def _widen(self, exponent: int) -> None:
        if self._exponent is None:
            self._exponent = exponent  # zeros lie in bin BINS at any width
            return
        for _ in range(self._exponent, exponent):
            pairs = self.counts.reshape(BINS, 2).sum(axis=1)
            self.counts = np.zeros(2 * BINS, np.int64)
            self.counts[BINS // 2 : BINS // 2 + BINS] = pairs
            self._exponent += 1
