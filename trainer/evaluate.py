"""How good a set of predictions is: top-1, mean class accuracy, calibration error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import MODES


@dataclass(frozen=True)
class Metrics:
    """Figures of one masked row of the head over a set of clips."""

    clips: int
    top1: float
    """Share of right predictions (the paper's accuracy)."""
    mean_class: float
    """Mean over the classes present of the share of right predictions (CIR's "mean class accuracy")."""
    top1_actions: float
    """top-1 over the clips that are not background; NaN when there are none."""
    calibration_error: float
    """Expected calibration error, see `expected_calibration_error`."""


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Softmax over the last axis, in float64."""
    z = np.asarray(logits, np.float64)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def evaluate(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], background: int | None = None
) -> dict[str, Metrics]:
    """Metrics of every mode.

    Args:
        probabilities: float [N, 3, K], modes in the order of `edge.contract.MODES`.
        labels: int [N].
        background: index of the background label, None when there is none.

    Returns:
        mode -> Metrics.
    """
    return {mode: metrics(probabilities[:, i], labels, background) for i, mode in enumerate(MODES)}


def metrics(probabilities: NDArray[np.floating], labels: NDArray[np.integer], background: int | None = None) -> Metrics:
    """Metrics of probabilities [N, K] against labels [N].

    Raises:
        ValueError: no clips, or shapes that do not match.
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(labels)
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(y):
        raise ValueError(f"expected probabilities [N, K] and labels [N] with N > 0, got {p.shape} and {y.shape}")
    right = p.argmax(axis=1) == y
    actions = right[y != background] if background is not None else right
    return Metrics(
        clips=len(y),
        top1=float(right.mean()),
        mean_class=float(np.mean([right[y == k].mean() for k in np.unique(y)])),
        top1_actions=float(actions.mean()) if len(actions) else float("nan"),
        calibration_error=expected_calibration_error(p, y),
    )


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = 15
) -> float:
    """The gap between confidence and accuracy, averaged over equal-width bins of confidence.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), equation 3; 15 bins.

    Args:
        probabilities: float [N, K], rows sum to 1.
        labels: int [N].
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(labels)
    confidence = p.max(axis=1)
    right = p.argmax(axis=1) == y
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)  # bins are open on the left
    gap = np.bincount(bin_of, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(y))


def confusion(predicted: NDArray[np.integer], labels: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Counts int64 [classes, classes]: rows are true labels, columns are predictions."""
    flat = np.asarray(labels).astype(np.int64) * classes + np.asarray(predicted)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def as_json(results: dict[str, Metrics]) -> dict[str, dict[str, Any]]:
    """mode -> plain numbers rounded to four places, for manifests and logs."""
    return {
        mode: {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(result).items()}
        for mode, result in results.items()
    }
