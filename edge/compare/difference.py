"""How far two engine sets are apart: features by mean-removed cosine, labels by agreement, accuracy where annotated.

Features of one network share a large mean, which the plain cosine flatters; so the first side's mean over the windows
is taken from both before the cosine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.annotations import label_at
from edge.compare.outputs import FEATURES, Outputs
from edge.contract import MODES, Segment

MIN_WINDOWS = 2


@dataclass(frozen=True)
class TensorDifference:
    """One tensor of the second side against the first, over all windows in which both have it."""

    name: str
    windows: int
    centred_cosine_mean: float
    centred_cosine_min: float
    """nan for fewer than two windows: a mean must be taken from more than one."""
    max_abs: float
    relative_l2: float
    """||b - a|| / ||a - mean a||: noise against signal."""


@dataclass(frozen=True)
class LabelDifference:
    """One masked row of the head."""

    mode: str
    windows: int
    agreement: float
    """Share of windows whose top label is the same."""
    probability_shift: float
    """Mean total variation distance of the two distributions (0..1)."""
    changes: tuple[tuple[str, str, int], ...]
    """(first says, second says, windows), most frequent first."""
    accuracy: tuple[float, float] | None
    """Of first and second on annotated windows of known labels; None without any."""
    accuracy_windows: int


def tensor_difference(name: str, first: NDArray[np.floating], second: NDArray[np.floating]) -> TensorDifference:
    """Compare float [windows, width] arrays; windows with NaN on either side are left out."""
    both = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    a, b = first[both].astype(np.float64), second[both].astype(np.float64)
    if len(a) < MIN_WINDOWS:
        largest = float(np.abs(b - a).max()) if len(a) else float("nan")
        return TensorDifference(name, len(a), float("nan"), float("nan"), largest, float("nan"))
    centre = a.mean(axis=0)
    a, b = a - centre, b - centre
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (a * b).sum(axis=1) / norms
        relative = float(np.linalg.norm(b - a) / np.linalg.norm(a))
    return TensorDifference(
        name, len(a), float(np.mean(cosine)), float(np.min(cosine)), float(np.abs(b - a).max()), relative
    )


def feature_differences(first: Outputs, second: Outputs) -> list[TensorDifference]:
    """Appearance, motion and audio."""
    return [tensor_difference(name, first.features[name], second.features[name]) for name in FEATURES]


def label_differences(
    first: Outputs, second: Outputs, labels: tuple[str, ...], truth: Mapping[str, tuple[Segment, ...]] | None = None
) -> list[LabelDifference]:
    """One a mode that was there in at least one window.

    Args:
        truth: annotated segments by clip name; windows whose centre lies in none, or in a foreign label, do not count.
    """
    index = {label: k for k, label in enumerate(labels)}
    moments = zip(first.clip, first.centre_ns, strict=True)
    wanted = np.array([_truth_index(truth or {}, index, clip, centre_ns) for clip, centre_ns in moments])
    found = []
    for m, mode in enumerate(MODES):
        a, b = first.probabilities[:, m], second.probabilities[:, m]
        both = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
        if not both.any():
            continue
        top_a, top_b = a[both].argmax(axis=1), b[both].argmax(axis=1)
        known = wanted[both] >= 0
        right = wanted[both][known]
        changed = Counter((labels[i], labels[j]) for i, j in zip(top_a, top_b, strict=True) if i != j)
        found.append(
            LabelDifference(
                mode=mode,
                windows=int(both.sum()),
                agreement=float((top_a == top_b).mean()),
                probability_shift=float(0.5 * np.abs(a[both] - b[both]).sum(axis=1).mean()),
                changes=tuple((i, j, n) for (i, j), n in changed.most_common()),
                accuracy=(float((top_a[known] == right).mean()), float((top_b[known] == right).mean()))
                if known.any()
                else None,
                accuracy_windows=int(known.sum()),
            )
        )
    return found


def _truth_index(truth: Mapping[str, tuple[Segment, ...]], index: Mapping[str, int], clip: str, centre_ns: int) -> int:
    label = label_at(truth.get(clip, ()), int(centre_ns))
    return -1 if label is None else index.get(label, -1)
