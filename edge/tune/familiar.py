"""The familiarity below which a label is shown as unknown: it keeps most of the right labels.

The usual rule of open-set recognition: the true positive rate is fixed, at 95 %, and no unknown clip is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.tune.material import TuneClip
from edge.unknown import FUSED, familiarity
from edge.verify.separation import KEPT, keeping_threshold


def familiarity_threshold(clips: Sequence[TuneClip], kept: float = KEPT) -> float:
    """The highest threshold at which the share `kept` of the right labels of actions are not unknown; 0 without any."""
    right = right_familiarity(clips)
    return float(np.floor(keeping_threshold(right, kept) * 1e4) / 1e4) if len(right) else 0.0


def right_familiarity(clips: Sequence[TuneClip]) -> NDArray[np.float64]:
    """Of every row inside an annotated action whose label is right, float64 [n]."""
    found = [np.zeros(0)]
    for clip in clips:
        e = clip.evidence
        p, truth = e.probabilities, e.row_truth
        there = np.isfinite(p[:, FUSED]).all(axis=1) & (truth >= 0)
        if e.background is not None:
            there &= truth != e.background
        right = there & (np.nan_to_num(p[:, FUSED]).argmax(axis=1) == truth)
        found.append(familiarity(p[right], e.background))
    return np.concatenate(found)
