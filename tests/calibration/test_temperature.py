from __future__ import annotations

import numpy as np
import pytest

from calibration.temperature import fit_temperature, negative_log_likelihood
from calibration.unknown import unknown_threshold
from trainer.evaluate import softmax


def draws(true_temperature: float, rows: int = 4000, classes: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from softmax(logits / true_temperature)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (rows, classes))
    p = softmax(logits / true_temperature)
    labels = (p.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return logits, np.minimum(labels, classes - 1)


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5])
def test_equals_a_literal_grid_search(true_temperature: float) -> None:
    logits, labels = draws(true_temperature)
    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 1500))
    losses = []
    for t in grid:
        p = np.exp(logits / t)
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.mean(np.log(p[np.arange(len(labels)), labels])))
    best = grid[int(np.argmin(losses))]
    assert fit_temperature(logits, labels) == pytest.approx(best, rel=0.004)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.1)


def test_fit_is_no_worse_than_its_neighbours() -> None:
    logits, labels = draws(1.7, seed=3)
    t = fit_temperature(logits, labels)
    here = negative_log_likelihood(logits, labels, t)
    assert here <= negative_log_likelihood(logits, labels, t * 1.01)
    assert here <= negative_log_likelihood(logits, labels, t / 1.01)


def test_perfect_logits_go_to_the_lower_bound_and_hopeless_ones_to_the_upper() -> None:
    right = np.eye(4)[np.arange(40) % 4]
    assert fit_temperature(right, np.arange(40) % 4) == pytest.approx(0.05, rel=1e-6)
    assert fit_temperature(right, (np.arange(40) + 1) % 4) == pytest.approx(20.0, rel=1e-6)


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[3000.0, -3000.0], [2000.0, 2500.0]], np.float32)
    assert np.isfinite(negative_log_likelihood(logits, np.array([1, 1]), 1.0))
    assert np.isfinite(fit_temperature(logits, np.array([0, 0])))


@pytest.mark.parametrize("shape", [(0, 3), (4,)])
def test_refuses_what_it_cannot_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected values"):
        fit_temperature(np.zeros(shape), np.zeros(shape[0], int))


def test_unknown_threshold_keeps_the_share_it_promises() -> None:
    logits, labels = draws(1.0, seed=5)
    threshold = unknown_threshold(logits, labels, 1.0, kept=0.9)
    p = softmax(logits)
    confidence_when_right = p.max(axis=1)[p.argmax(axis=1) == labels]
    assert (confidence_when_right >= threshold).mean() == pytest.approx(0.9, abs=0.005)


def test_unknown_threshold_without_a_right_prediction_is_zero() -> None:
    assert unknown_threshold(np.array([[5.0, 0.0]]), np.array([1]), 1.0) == 0.0
