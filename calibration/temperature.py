"""One temperature for a set of logits: the T that minimises the negative log-likelihood of softmax(logits / T).

Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), section 4.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trainer.evaluate import softmax

MIN_TEMPERATURE = 0.05
MAX_TEMPERATURE = 20.0
"""A fit outside these bounds says that the logits carry no scale worth trusting; the bound is returned."""


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Temperature of least negative log-likelihood.

    The loss is convex in 1/T, so the sign of its slope is bisected; no step size, no start value.

    Args:
        logits: float [N, K].
        labels: int [N], values 0..K-1.

    Returns:
        T in [0.05, 20].

    Raises:
        ValueError: no rows, or shapes that do not match.
    """
    z, y = _checked(logits, labels)
    low, high = math.log(1 / MAX_TEMPERATURE), math.log(1 / MIN_TEMPERATURE)
    for _ in range(60):
        middle = (low + high) / 2
        if _slope(z, y, math.exp(middle)) > 0:
            high = middle
        else:
            low = middle
    return math.exp(-(low + high) / 2)


def negative_log_likelihood(logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float) -> float:
    """Mean of -log softmax(logits / T)[label] over the rows, in nats."""
    z, y = _checked(logits, labels)
    scaled = z / temperature
    peak = scaled.max(axis=1)
    log_sum = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
    return float((log_sum - scaled[np.arange(len(y)), y]).mean())


def _slope(z: NDArray[np.float64], y: NDArray[np.integer], inverse_temperature: float) -> float:
    """Derivative of the mean negative log-likelihood in 1/T: expected logit minus the label's logit."""
    p = softmax(z * inverse_temperature)
    return float(((p * z).sum(axis=1) - z[np.arange(len(y)), y]).mean())


def _checked(
    values: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    z, y = np.asarray(values, np.float64), np.asarray(labels)
    if z.ndim != 2 or y.shape != z.shape[:1] or not len(y):
        raise ValueError(f"expected values [N, K] and labels [N] with N > 0, got {z.shape} and {y.shape}")
    return z, y
