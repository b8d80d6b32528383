"""The accuracy gate: does a precision still say what FP32 said?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.contract import MODES

MIN_WINDOWS = 50
"""Fewer windows cannot tell 99 % from 97 %."""

ROUNDING = 1e-9
"""One window in 200 is half a point, also in floating point."""


@dataclass(frozen=True)
class Gate:
    """What a precision must keep to be chosen."""

    min_agreement: float = 0.99
    """Share of hold-out windows whose top label is that of FP32."""
    max_accuracy_loss: float = 0.005
    """Accuracy of FP32 minus its own on annotated windows (0.005 = half a point)."""


@dataclass(frozen=True)
class Verdict:
    """What the gate said about one candidate."""

    passed: bool
    windows: int
    agreement: float
    accuracy: float | None
    """On annotated windows; None without any."""
    accuracy_loss: float | None
    reason: str
    """One line for people."""


def judge(
    reference: NDArray[np.floating], candidate: NDArray[np.floating], labels: NDArray[np.integer], gate: Gate
) -> Verdict:
    """Compare top labels of the row of the head that uses all there is.

    Args:
        reference: FP32 logits float [N, 3 modes, K].
        candidate: the same of the candidate.
        labels: int [N], -1 where nothing is annotated.
    """
    a, b = overall(reference), overall(candidate)
    agreement = float((a == b).mean())
    known = labels >= 0
    accuracy = loss = None
    if known.any():
        accuracy = float((b[known] == labels[known]).mean())
        loss = float((a[known] == labels[known]).mean()) - accuracy
    told = f"top label agrees with f32 in {100 * agreement:.1f} % of {len(a)} windows"
    if loss is not None:
        told += f", accuracy {round(-100 * loss, 1) + 0.0:+.1f} points"
    missed = []
    if len(a) < MIN_WINDOWS:
        missed.append(f"fewer than {MIN_WINDOWS} windows")
    if agreement < gate.min_agreement - ROUNDING:
        missed.append(f"agreement below {100 * gate.min_agreement:g} %")
    if loss is not None and loss > gate.max_accuracy_loss + ROUNDING:
        missed.append(f"loses more than {100 * gate.max_accuracy_loss:g} point")
    reason = told if not missed else f"{told}: {', '.join(missed)}"
    return Verdict(not missed, len(a), agreement, accuracy, loss, reason)


def overall(logits: NDArray[np.floating]) -> NDArray[np.int64]:
    """Top label int64 [N] of the row 'all', which falls back to what is there."""
    rows = np.nan_to_num(logits[:, MODES.index("all")], nan=-np.inf)
    return rows.argmax(axis=1)
