"""The window contract's numbers, against the documents that fix them."""

from __future__ import annotations

import numpy as np
import pytest

from edge.contract import WindowSpec

SPEC = WindowSpec()


def test_published_numbers() -> None:
    assert SPEC.hop_s == pytest.approx(0.5333, abs=1e-4)
    assert SPEC.clip_frames == 64
    assert SPEC.clip_audio_samples == 34133
    assert SPEC.slow_frames == tuple(np.linspace(0, 31, 8).astype(np.int64))


@pytest.mark.parametrize(
    ("ticks", "starts"),
    [(0, []), (1, [0]), (31, [0]), (32, [0]), (39, [0, 7]), (48, [0, 16]), (64, [0, 16, 32]), (65, [0, 16, 32, 33])],
)
def test_row_rule_of_ego4d(ticks: int, starts: list[int]) -> None:
    """Ego4D's documentation gives 39 frames -> [0, 31] and [7, 38]."""
    assert SPEC.row_starts(ticks) == starts


@pytest.mark.parametrize(
    ("first", "last", "rows"), [(10, 11, [10, 10, 11]), (10, 13, [10, 12, 13]), (4, 4, [4, 4, 4]), (0, 8, [0, 4, 8])]
)
def test_three_rows_of_a_clip(first: int, last: int, rows: list[int]) -> None:
    assert SPEC.clip_row_indices(first, last) == rows


def test_live_clip_grows_to_three_rows() -> None:
    assert [SPEC.live_clip_rows(newest) for newest in range(4)] == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3]]


def test_ticks_do_not_drift() -> None:
    assert SPEC.tick_ns(30 * 3600) == 3600 * 10**9
