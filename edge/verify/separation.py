"""How well a score tells what the model knows from what it does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEPT = 0.95


def auroc(known: NDArray[np.floating], unknown: NDArray[np.floating]) -> float | None:
    """Chance that a known sample scores above an unknown one, ties counting half (Mann-Whitney's U / nm).

    None when either side is empty.
    """
    if not len(known) or not len(unknown):
        return None
    _, place, counts = np.unique(np.concatenate([known, unknown]), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(ranks[place[: len(known)]].sum())
    n, m = len(known), len(unknown)
    return (rank_sum - n * (n + 1) / 2) / (n * m)


def fpr95(known: NDArray[np.floating], unknown: NDArray[np.floating]) -> float | None:
    """Share of the unknown that passes the highest threshold that at least 95 % of the known pass.

    The false positive rate at 95 % true positive rate (Liang et al., "Enhancing the Reliability of Out-of-distribution
    Image Detection", ICLR 2018). None when either side is empty.
    """
    if not len(known) or not len(unknown):
        return None
    return float(np.mean(np.asarray(unknown) >= keeping_threshold(known)))


def keeping_threshold(known: NDArray[np.floating], kept: float = KEPT) -> float:
    """The highest score that at least the share `kept` of the known samples reach."""
    ordered = np.sort(np.asarray(known))[::-1]
    return float(ordered[max(0, int(np.ceil(kept * len(ordered) - 1e-9)) - 1)])
