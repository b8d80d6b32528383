"""How long a row waits for its data follows from how late they were."""

from __future__ import annotations

from edge.live.lateness import LEAST_NS, MARGIN, MOST_NS, Lateness

MS = 1_000_000


def fed(late_ms: int, *, period_ms: int = 33, seconds: int = 3, start_ms: int = 0) -> Lateness:
    lateness = Lateness()
    feed(lateness, late_ms, period_ms=period_ms, seconds=seconds, start_ms=start_ms)
    return lateness


def feed(lateness: Lateness, late_ms: int, *, period_ms: int = 33, seconds: int = 3, start_ms: int = 0) -> None:
    for at_ms in range(start_ms, start_ms + 1000 * seconds, period_ms):
        lateness.reached(at_ms * MS, (at_ms + late_ms) * MS)


def test_what_comes_just_after_the_data_before_waited_longest() -> None:
    assert fed(100).grace_ns == round(MARGIN * 133 * MS)
    assert fed(100, period_ms=100).grace_ns == round(MARGIN * 200 * MS)


def test_the_grace_has_bounds() -> None:
    assert fed(0, period_ms=10).grace_ns == LEAST_NS
    assert fed(2000).grace_ns == MOST_NS
    assert Lateness().grace_ns == LEAST_NS


def test_a_late_stretch_is_forgotten() -> None:
    lateness = fed(300)
    feed(lateness, 20, seconds=12, start_ms=3000)
    assert lateness.grace_ns == round(MARGIN * 53 * MS)


def test_the_gap_of_a_sensor_that_was_away_is_no_lateness() -> None:
    lateness = fed(20)
    lateness.away()
    feed(lateness, 20, start_ms=60_000)
    assert lateness.grace_ns == round(MARGIN * 53 * MS)
