"""One temperature for every precision, and what it does to the calibration error.

The FP32 temperature was fitted on labelled validation clips; every other precision is matched to FP32's calibrated
probabilities, so that a confidence means the same whatever runs, and no label is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.temperature import match_temperature
from edge.contract import MODES
from trainer.evaluate import expected_calibration_error, softmax

ALL = MODES.index("all")


@dataclass(frozen=True)
class FittedTemperature:
    """Of one precision key."""

    temperature: float
    error_before: float | None
    """Calibration error on the annotated hold-out with FP32's temperature; None without annotation."""
    error_after: float | None
    """The same with its own."""


def fit_temperatures(
    logits: Mapping[str, NDArray[np.floating]],
    reference: str,
    reference_temperature: float,
    labels: NDArray[np.integer],
) -> dict[str, FittedTemperature]:
    """Temperatures by precision key.

    Args:
        logits: precision key -> float [N, 3 modes, K] over the same windows; windows in which nothing was there (NaN)
            are left out.
        reference: the key that is calibrated already, 'f32'.
        labels: int [N], -1 where nothing is annotated.
    """
    usable = np.isfinite(logits[reference][:, ALL]).all(axis=1)
    targets = softmax(logits[reference][usable][:, ALL] / reference_temperature)
    known = labels[usable] >= 0
    fitted = {}
    for key, values in logits.items():
        z = values[usable][:, ALL]
        own = reference_temperature if key == reference else match_temperature(z, targets)
        before = after = None
        if known.any():
            y = labels[usable][known]
            before, after = (expected_calibration_error(softmax(z[known] / t), y) for t in (reference_temperature, own))
        fitted[key] = FittedTemperature(own, before, after)
    return fitted
