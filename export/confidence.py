"""What validation clips say of a head's confidence: temperature, unknown threshold, calibration error."""

from __future__ import annotations

from typing import NamedTuple

from calibration.temperature import fit_temperature
from calibration.unknown import unknown_threshold
from edge.bundle import Thresholds
from trainer.evaluate import expected_calibration_error, softmax
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.methods.method import Method


class Confidence(NamedTuple):
    """Of the FP32 head, from the row that sees all modalities."""

    temperature: float = 1.0
    unknown: float = Thresholds().unknown
    error_before: float | None = None
    """Expected calibration error at temperature 1; None when no clips were at hand."""
    error_after: float | None = None
    clips: int = 0

    def describe(self) -> str:
        if not self.clips:
            return f"temperature 1 and unknown below {self.unknown:g}: no validation clips, nothing was fitted"
        return (
            f"temperature {self.temperature:.3f} from {self.clips} clips: calibration error "
            f"{self.error_before:.3f} -> {self.error_after:.3f}; unknown below {self.unknown:.2f}"
        )


def fit_confidence(method: Method, validation: HeadClips) -> Confidence:
    """Temperature (least negative log-likelihood) and unknown threshold of a trained head on clips it never saw."""
    logits, labels = masked_logits(method, validation)[:, 0], validation.labels
    temperature = fit_temperature(logits, labels)
    unknown = unknown_threshold(logits, labels, temperature)
    before, after = (float(expected_calibration_error(softmax(logits / t), labels)) for t in (1.0, temperature))
    return Confidence(temperature, unknown, before, after, len(labels))
