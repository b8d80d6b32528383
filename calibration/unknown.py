"""The confidence below which the runtime says 'unknown'."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.evaluate import softmax


def unknown_threshold(
    logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float, kept: float = 0.95
) -> float:
    """The threshold that keeps the share `kept` of the right predictions on the validation set.

    The usual rule of open-set evaluation (the true-positive rate is fixed at 95 %): it needs no unknown clips.

    Args:
        logits: float [N, K] of the row with all modalities.
        labels: int [N].
        temperature: the one fitted on the same rows.
        kept: share of right predictions whose confidence must reach the threshold.

    Returns:
        A confidence in [0, 1]; 0 when nothing was right (then nothing is called unknown).
    """
    p = softmax(np.asarray(logits, np.float64) / temperature)
    right = p.argmax(axis=1) == np.asarray(labels)
    if not right.any():
        return 0.0
    return float(np.quantile(p.max(axis=1)[right], 1.0 - kept))
