from __future__ import annotations

import pytest

from edge.contract import NS_PER_S
from edge.sources.frame_count import FrameCount

STEP = NS_PER_S // 30


def count(entries: list[tuple[int, int | None]]) -> FrameCount:
    counted = FrameCount(30)
    for place, sequence in entries:
        counted.push(place * STEP, sequence)
    return counted


def test_losses_are_those_of_the_drivers_numbers() -> None:
    counted = count([(0, 7), (1, 8), (4, 11), (5, 12)])
    assert (counted.delivered, counted.lost) == (4, 2)
    assert count([(0, 0xFFFF_FFFE), (1, 0xFFFF_FFFF), (2, 0), (3, 2)]).lost == 1
    assert count([(0, 500), (1, 0), (2, 1)]).lost == 0  # the driver began anew


@pytest.mark.parametrize("sequence", [None, 0])
def test_without_numbers_they_are_the_gaps_in_time(sequence: int | None) -> None:
    assert count([(0, sequence), (1, sequence), (4, sequence), (5, sequence)]).lost == 2


def test_the_rate_is_measured() -> None:
    assert count([(n, n) for n in range(100)]).rate_hz == pytest.approx(30, rel=1e-3)
    assert count([(2 * n, n) for n in range(100)]).rate_hz == pytest.approx(15, rel=1e-3)
    assert count([(0, 0)]).rate_hz == 0
