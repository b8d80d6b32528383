"""From a tensor's distribution to the range that eight bits shall span: minmax, percentile, entropy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibration.entropy import entropy_threshold
from calibration.errors import CalibrationError
from calibration.histogram import BINS, Histogram

METHODS = ("minmax", "percentile", "entropy")

PERCENTILE = 99.999
"""Share of the values in percent that the range of 'percentile' holds, of each sign's tail apart. A feature map has
millions of values: 99.99 cuts the peaks that features are made of, and cost about a point of top-label agreement."""


class ValueRange(NamedTuple):
    """What was seen of a tensor, and the range to quantise."""

    minimum: float
    maximum: float
    low: float
    """Lower end for unsigned, asymmetric quantisation; at most 0."""
    high: float
    """Upper end; at least 0."""
    threshold: float
    """Largest magnitude for signed, symmetric quantisation."""


def observe(histogram: Histogram, method: str) -> ValueRange:
    """The range of a tensor.

    Args:
        histogram: of all values seen.
        method: 'minmax' (all values), 'percentile' (PERCENTILE of them), 'entropy' (least relative entropy, see
            `calibration.entropy`).

    Raises:
        CalibrationError: an unknown method.
    """
    if method not in METHODS:
        raise CalibrationError(f"calibration method {method!r} is not one of {', '.join(METHODS)}; give one of them")
    minimum, maximum = histogram.minimum, histogram.maximum
    low, high = min(minimum, 0.0), max(maximum, 0.0)
    if method == "minmax" or histogram.width == 0:
        return ValueRange(minimum, maximum, low, high, max(-low, high))
    if method == "percentile":
        low, high = max(low, -_tail(histogram, -1)), min(high, _tail(histogram, 1))
        return ValueRange(minimum, maximum, low, high, max(-low, high))
    magnitudes, largest = histogram.magnitudes(), max(-low, high)
    threshold = min(largest, entropy_threshold(magnitudes, histogram.width, levels=128))
    if low == 0 or high == 0:  # one sign: unsigned steps are half as wide
        clip = min(largest, entropy_threshold(magnitudes, histogram.width, levels=256))
    else:
        clip = threshold
    return ValueRange(minimum, maximum, max(low, -clip), min(high, clip), threshold)


def _tail(histogram: Histogram, sign: int) -> float:
    """Upper edge of the bin of |value| below which PERCENTILE of all values lie, counting outwards on one side."""
    side = histogram.counts[BINS:] if sign > 0 else histogram.counts[BINS - 1 :: -1]
    beyond = side[::-1].cumsum()[::-1]  # values in this bin or further out
    allowed = histogram.total * (1 - PERCENTILE / 100)
    kept = np.flatnonzero(beyond > allowed)
    return float((kept[-1] + 1) * histogram.width) if len(kept) else histogram.width
