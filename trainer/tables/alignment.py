"""How well an embedding finds its narration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHUNK = 512


def narration_auc(
    embeddings: NDArray[np.floating], narrations: NDArray[np.floating], narration_of: NDArray[np.integer]
) -> float:
    """Chance that a clip lies closer (cosine) to its own narration than to another one of the same clips; 0.5 knows
    nothing, 1 is perfect.

    It does not depend on how many narrations there are, so that audio narrations and visual ones can be compared. A tie
    counts half.

    Args:
        embeddings: [N, D] of the clips.
        narrations: [T, D], each narration of the clips once, T >= 2.
        narration_of: [N], which of them belongs to a clip.
    """
    clips, texts = _normalised(embeddings), _normalised(narrations)
    total = 0.0
    for first in range(0, len(clips), _CHUNK):
        own = narration_of[first : first + _CHUNK]
        similarity = clips[first : first + _CHUNK] @ texts.T
        of_own = similarity[np.arange(len(own)), own][:, None]
        closer = (similarity < of_own).sum(axis=1) + ((similarity == of_own).sum(axis=1) - 1) / 2
        total += float(closer.sum())
    return total / (len(clips) * (len(texts) - 1))


def _normalised(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.asarray(vectors, np.float64)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
