from __future__ import annotations

import pytest

from bench.side_by_side import steps


def test_both_train_the_same_heads() -> None:
    """Else there would be nothing to compare: the losses agree for some steps, and fall."""
    one_after_the_other, side_by_side = steps(3)
    losses = [(one_after_the_other(), side_by_side()) for _ in range(4)]
    for apart, together in losses:
        assert together == pytest.approx(apart, rel=1e-3)
    assert losses[-1][0] < losses[0][0]
