from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bench.distribution import distribution


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=200))
def test_figures_equal_numpys(values: list[float]) -> None:
    found = distribution(values)
    wanted = np.quantile(np.sort(values), [0.0, 0.5, 0.9, 0.95, 0.99, 1.0], method="linear")
    assert [found.min, found.median, found.p90, found.p95, found.p99, found.max] == pytest.approx(list(wanted))
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.runs == len(values)


def test_a_hundred_and_one_values_have_their_percentiles_among_them() -> None:
    found = distribution([float(value) for value in reversed(range(101))])
    assert (found.min, found.median, found.p90, found.p95, found.p99, found.max) == (0, 50, 90, 95, 99, 100)


def test_nothing_has_no_figures() -> None:
    with pytest.raises(ValueError, match="no timings"):
        distribution([])
