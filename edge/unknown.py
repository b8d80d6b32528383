"""Whether the model knows what it sees: the entropy of the mean of the three masked rows.

H(mean of the rows) = mean of their entropies + their Jensen-Shannon divergence: the doubt of the rows, and their
disagreement, in one number (the split of an ensemble's uncertainty of Depeweg et al., "Decomposition of Uncertainty
in Bayesian Deep Learning", ICML 2018, with the masked rows as the ensemble). `bench/unknown_scores.py` compares it with
the plain confidence and others on actions that were held out of training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds


def uncertainty(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Entropy of the mean over the rows that are there, over log K: 0 is certain, 1 knows nothing.

    Args:
        probabilities: float [..., 3, K]; NaN in the rows of a missing modality.

    Returns:
        float64 [...], NaN where no row is there.
    """
    p = np.asarray(probabilities, np.float64)
    there = np.isfinite(p).all(axis=-1, keepdims=True)
    rows = there.sum(axis=-2)
    total = np.where(there, p, 0.0).sum(axis=-2)
    mean = np.divide(total, rows, out=np.full_like(total, np.nan), where=rows > 0)
    terms = np.where(mean > 0, mean * np.log(np.where(mean > 0, mean, 1.0)), np.where(np.isnan(mean), np.nan, 0.0))
    return -terms.sum(axis=-1) / np.log(p.shape[-1])


def is_unknown(probabilities: NDArray[np.floating], thresholds: Thresholds) -> bool:
    """Whether the label of one prediction, float [3, K], is to be shown as unknown."""
    confidence = float(np.nan_to_num(probabilities[0], nan=0.0).max())
    doubt = float(np.nan_to_num(uncertainty(probabilities), nan=1.0))
    return confidence < thresholds.unknown or doubt > thresholds.unknown_entropy
