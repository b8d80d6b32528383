from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from edge.bundle import Thresholds
from edge.unknown import familiarity, is_unknown


@given(st.integers(0, 10_000), st.integers(2, 9), st.booleans())
def test_confidence_doubt_and_disagreement(seed: int, labels: int, with_background: bool) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(labels, 0.5), 3)
    background = labels - 1 if with_background else None
    best = max(p[0][k] for k in range(labels) if k != background)
    doubt = entropy(p[0], base=labels)
    apart = sum(abs(a - b) for a, b in zip(p[0], p[1], strict=True)) / 2
    found = float(familiarity(p, background))
    assert found == pytest.approx(best * (1 - doubt) * (1 - apart), abs=1e-12)
    assert -1e-12 <= found <= 1


def test_the_ends() -> None:
    sure = np.eye(4)[[1, 1, 1]]
    assert familiarity(sure, 3) == pytest.approx(1.0)
    assert familiarity(np.full((3, 4), 0.25), 3) == pytest.approx(0.0)
    assert familiarity(np.eye(4)[[1, 2, 1]], 3) == pytest.approx(0.0)
    assert familiarity(np.eye(4)[[3, 3, 3]], 3) == pytest.approx(0.0)
    assert familiarity(np.eye(4)[[3, 3, 3]], None) == pytest.approx(1.0)


def test_missing_modalities() -> None:
    p = np.eye(4)[[1, 2, 1]]
    p[1] = np.nan
    assert familiarity(p, 3) == pytest.approx(1.0)
    assert familiarity(np.full((3, 4), np.nan), 3) == 0.0


def test_either_threshold_makes_a_label_unknown() -> None:
    sure, apart = np.eye(4)[[1, 1, 1]], np.eye(4)[[1, 2, 3]]
    assert not is_unknown(sure, 3, Thresholds(unknown=0.5, familiarity=0.5))
    assert is_unknown(apart, 3, Thresholds(unknown=0.5, familiarity=0.5))
    assert not is_unknown(apart, 3, Thresholds(unknown=0.5))
    assert is_unknown(np.full((3, 4), 0.25), 3, Thresholds(unknown=0.5))
    assert is_unknown(np.full((3, 4), np.nan), 3, Thresholds(unknown=0.1))
