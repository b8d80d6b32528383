"""Whether the model knows the action that it sees: confidence, doubt, and the disagreement of the masked rows in one.

familiarity = p * (1 - H / log K) * (1 - d)

p is the fused row's probability of its best action (background is no action: who says 'idle' claims none), H its
entropy, d the total variation distance between the fused row and the video row, both 0..1. `bench/unknown_scores.py`
compares it with the plain confidence, the maximum logit and others on actions that were held out of training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Thresholds
from edge.contract import MODES

FUSED, VIDEO = MODES.index("all"), MODES.index("video")


def familiarity(probabilities: NDArray[np.floating], background: int | None) -> NDArray[np.float64]:
    """From 0 (unknown) to 1 (known).

    Args:
        probabilities: float [..., 3, K]; NaN in the rows of a missing modality. A fused row that is missing is
            unknown; without the video row nothing disagrees.
        background: index of the background label; None when there is none.

    Returns:
        float64 [...].
    """
    fused = np.nan_to_num(np.asarray(probabilities[..., FUSED, :], np.float64), nan=0.0)
    video = np.asarray(probabilities[..., VIDEO, :], np.float64)
    actions = fused.copy()
    if background is not None:
        actions[..., background] = 0.0
    entropy = -(fused * np.log(np.where(fused > 0, fused, 1.0))).sum(axis=-1) / np.log(fused.shape[-1])
    distance = np.nan_to_num(0.5 * np.abs(fused - video).sum(axis=-1), nan=0.0)
    return actions.max(axis=-1) * (1 - entropy) * (1 - distance)


def is_unknown(probabilities: NDArray[np.floating], background: int | None, thresholds: Thresholds) -> bool:
    """Whether the label of one prediction, float [3, K], is to be shown as unknown."""
    confidence = float(np.nan_to_num(probabilities[FUSED], nan=0.0).max())
    return confidence < thresholds.unknown or float(familiarity(probabilities, background)) < thresholds.familiarity
