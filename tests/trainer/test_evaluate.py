from __future__ import annotations

import numpy as np
import pytest

from trainer.evaluate import confusion, evaluate, expected_calibration_error, metrics


def test_figures_of_a_small_case_worked_by_hand() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0], [0.1, 0.2, 0.7]])
    y = np.array([0, 1, 1, 0])
    found = metrics(p, y, background=0)
    assert found.clips == 4
    assert found.top1 == 0.5  # first and third
    assert found.mean_class == 0.5  # class 0: 1 of 2, class 1: 1 of 2; class 2 is absent
    assert found.top1_actions == 0.5  # of the second and third
    # 15 bins: each confidence in a bin of its own, so the mean of |confidence - right|
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.2 + 0.7) / 4)


def test_calibration_error_equals_a_literal_loop() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(5) * 0.4, 500)
    y = rng.integers(0, 5, 500)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    expected = 0.0
    for low in np.arange(10) / 10:
        inside = (confidence > low) & (confidence <= low + 0.1 + 1e-12)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert expected_calibration_error(p, y, bins=10) == pytest.approx(expected)


def test_modes_are_kept_apart() -> None:
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    p = np.array([[right, right, wrong], [right, wrong, wrong]])
    y = np.array([0, 0])
    assert [m.top1 for m in evaluate(p, y).values()] == [1.0, 0.5, 0.0]


def test_confusion_has_true_labels_in_rows() -> None:
    assert confusion(np.array([1, 1, 0]), np.array([0, 1, 0]), 2).tolist() == [[1, 1], [0, 1]]


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(ValueError, match="N > 0"):
        metrics(np.zeros((0, 3)), np.zeros(0, int))
