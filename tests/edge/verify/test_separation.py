"""AUROC and FPR95 against scikit-learn; calibration error against a literal version and the trainer's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from edge.verify.reliability import calibration_error, reliability
from edge.verify.separation import auroc, fpr95, keeping_threshold
from trainer.evaluate import expected_calibration_error

# Few distinct values, so that ties are common.
SCORES = st.lists(st.integers(0, 12).map(lambda n: n / 12), min_size=1, max_size=60)


@given(SCORES, SCORES)
def test_as_scikit_learn_has_it(known: list[float], unknown: list[float]) -> None:
    truth = [1] * len(known) + [0] * len(unknown)
    scores = known + unknown
    assert auroc(np.array(known), np.array(unknown)) == pytest.approx(roc_auc_score(truth, scores))
    false_rate, true_rate, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert fpr95(np.array(known), np.array(unknown)) == pytest.approx(false_rate[np.argmax(true_rate >= 0.95 - 1e-9)])


def test_without_one_side_there_is_no_figure() -> None:
    some, none = np.array([0.5]), np.array([])
    assert auroc(some, none) is None
    assert auroc(none, some) is None
    assert fpr95(some, none) is None


@given(SCORES, st.floats(0.05, 1.0))
def test_the_threshold_keeps_what_it_promises_and_no_higher_one_does(known: list[float], kept: float) -> None:
    values = np.array(known)
    threshold = keeping_threshold(values, kept)
    assert np.mean(values >= threshold) >= kept - 1e-9
    higher = values[values > threshold]
    assert not len(higher) or np.mean(values >= higher.min()) < kept


@given(st.lists(st.tuples(st.integers(0, 30).map(lambda n: n / 30), st.booleans()), max_size=80))
def test_calibration_error_as_written_in_the_paper(rows: list[tuple[float, bool]]) -> None:
    confidence = np.array([c for c, _ in rows], np.float64)
    right = np.array([r for _, r in rows], bool)
    bins = reliability(confidence, right, bins=15)
    total = 0.0
    for low in range(15):
        inside = [(c, r) for c, r in rows if low / 15 < c <= (low + 1) / 15 or (c == 0 and low == 0)]
        if inside:
            gap = np.mean([r for _, r in inside]) - np.mean([c for c, _ in inside])
            total += len(inside) / len(rows) * abs(gap)
    found = calibration_error(bins)
    assert (found is None) if not rows else found == pytest.approx(total)
    assert sum(b.rows for b in bins) == len(rows)


def test_calibration_error_is_the_trainers() -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(5, 0.4), 500)
    y = rng.integers(0, 5, 500)
    found = calibration_error(reliability(p.max(axis=1), p.argmax(axis=1) == y))
    assert found == pytest.approx(expected_calibration_error(p, y), abs=1e-12)
