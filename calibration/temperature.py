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
    return _bisect(z, float(z[np.arange(len(y)), y].mean()))


def match_temperature(logits: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Temperature at which softmax(logits / T) is closest to given probabilities in Kullback-Leibler divergence.

    For a precision whose reference is calibrated already: it takes over the reference's confidence, without labels.

    Args:
        logits: float [N, K].
        targets: float [N, K], rows sum to 1.

    Returns:
        T in [0.05, 20].

    Raises:
        ValueError: no rows, or shapes that do not match.
    """
    z, p = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
    if z.ndim != 2 or z.shape != p.shape or not len(z):
        raise ValueError(f"expected logits and targets [N, K] with N > 0, got {z.shape} and {p.shape}")
    return _bisect(z, float((p * z).sum(axis=1).mean()))


def _bisect(z: NDArray[np.float64], wanted_logit: float) -> float:
    """The T whose expected logit under the model is `wanted_logit`: there the cross entropy's slope in 1/T is zero."""
    low, high = math.log(1 / MAX_TEMPERATURE), math.log(1 / MIN_TEMPERATURE)
    for _ in range(60):
        middle = (low + high) / 2
        if _expected_logit(z, math.exp(middle)) > wanted_logit:
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


def _expected_logit(z: NDArray[np.float64], inverse_temperature: float) -> float:
    """Mean logit under softmax(z / T); grows with 1/T."""
    return float((softmax(z * inverse_temperature) * z).sum(axis=1).mean())


def _checked(
    values: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    z, y = np.asarray(values, np.float64), np.asarray(labels)
    if z.ndim != 2 or y.shape != z.shape[:1] or not len(y):
        raise ValueError(f"expected values [N, K] and labels [N] with N > 0, got {z.shape} and {y.shape}")
    return z, y
