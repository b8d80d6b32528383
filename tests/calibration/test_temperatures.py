from __future__ import annotations

import numpy as np
import pytest

from calibration.temperature import match_temperature
from calibration.temperatures import fit_temperatures
from trainer.evaluate import softmax


def test_a_scaled_copy_is_matched_exactly() -> None:
    z = np.random.default_rng(0).normal(0, 3, (300, 5))
    assert match_temperature(2 * z, softmax(z / 1.3)) == pytest.approx(2.6, rel=1e-6)


def test_match_is_the_least_divergence() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(0, 3, (200, 4))
    targets, noisy = softmax(z / 0.8), 1.5 * z + rng.normal(0, 0.4, z.shape)

    def divergence(t: float) -> float:
        return float((targets * (np.log(targets) - np.log(softmax(noisy / t)))).sum(axis=1).mean())

    best = match_temperature(noisy, targets)
    grid = np.exp(np.linspace(-1.5, 2, 2000))
    assert best == pytest.approx(grid[int(np.argmin([divergence(t) for t in grid]))], rel=0.003)


def test_every_precision_takes_over_the_confidence_of_f32() -> None:
    rng = np.random.default_rng(2)
    z = np.repeat(rng.normal(0, 3, (400, 1, 6)), 3, axis=1)
    labels = (softmax(z[:, 0] / 1.4).cumsum(axis=1) < rng.random((400, 1))).sum(axis=1)
    labels[:100] = -1
    z[7] = np.nan
    fitted = fit_temperatures({"f32": z, "int8": 3 * z}, "f32", 1.4, labels)
    assert fitted["f32"].temperature == 1.4
    assert fitted["int8"].temperature == pytest.approx(4.2, rel=1e-6)
    assert fitted["int8"].error_after == pytest.approx(fitted["f32"].error_after)
    assert fitted["int8"].error_before > fitted["int8"].error_after


def test_without_annotation_there_is_no_error() -> None:
    z = np.random.default_rng(3).normal(size=(50, 3, 4))
    fitted = fit_temperatures({"f32": z, "bf16": z}, "f32", 1.0, np.full(50, -1))
    assert fitted["bf16"].error_after is None


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="expected logits and targets"):
        match_temperature(np.zeros((0, 3)), np.zeros((0, 3)))
