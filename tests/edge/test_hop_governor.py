"""The hop factor: what it must do for any measurements, and the words it gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hop_governor import (
    BUSY,
    BUSY_HYSTERESIS,
    CALM_PATIENCE,
    FACTORS,
    HEAT_HYSTERESIS_C,
    HOT_MARGIN_C,
    SLOW_PATIENCE,
    HopDecision,
    HopGovernor,
)

HOP_S, TRIP_C = 0.5, 99.0
TRIPS = {"tj": TRIP_C}
margins = st.floats(-20, 80)
loads = st.floats(0, 6)


def run(governor: HopGovernor, margin_c: float, load: float = 0.1, times: int = 1) -> HopDecision:
    for _ in range(times):
        decision = governor.update({"tj": TRIP_C - margin_c}, TRIPS, load * HOP_S)
    return decision


def test_cool_and_fast_is_the_full_rate() -> None:
    assert run(HopGovernor(HOP_S), 40) == HopDecision(1, None)


def test_heat_counts_at_once_and_says_which_zone() -> None:
    governor = HopGovernor(HOP_S)
    decision = governor.update({"cpu": 60, "tj": 95, "lonely": 200}, {"cpu": 99, "tj": 99}, 0.01)
    assert decision == HopDecision(2, "tj is at 95 °C, it throttles at 99 °C")
    assert run(governor, 1).factor == 4


def test_one_slow_row_is_no_slow_machine() -> None:
    governor = HopGovernor(HOP_S)
    assert run(governor, 40, 5, times=SLOW_PATIENCE - 1).factor == 1
    run(governor, 40, 0.1)
    assert run(governor, 40, 1.0, times=SLOW_PATIENCE - 1).factor == 1
    assert run(governor, 40, 1.0) == HopDecision(2, "a row takes 500 ms, the hop is 500 ms")
    assert run(governor, 40, 3.0, times=SLOW_PATIENCE).factor == 4


def test_both_reasons_are_said_when_both_ask_for_it() -> None:
    assert run(HopGovernor(HOP_S), 4, 1.0, times=SLOW_PATIENCE).reason == (
        "tj is at 95 °C, it throttles at 99 °C; a row takes 500 ms, the hop is 500 ms"
    )


def test_no_news_changes_nothing() -> None:
    governor = HopGovernor(HOP_S)
    before = run(governor, 1)
    for _ in range(5 * CALM_PATIENCE):
        assert governor.update({}, TRIPS, None) == before


def test_cooling_goes_back_step_by_step() -> None:
    governor = HopGovernor(HOP_S)
    run(governor, 0)
    factors = [run(governor, 60).factor for _ in range(2 * CALM_PATIENCE)]
    assert factors == [4] * (CALM_PATIENCE - 1) + [2] * CALM_PATIENCE + [1]


@given(st.lists(st.tuples(margins, loads), min_size=1, max_size=60))
def test_the_factor_is_always_one_of_three_with_a_reason_when_it_is_not_one(steps: list[tuple[float, float]]) -> None:
    governor = HopGovernor(HOP_S)
    for margin, load in steps:
        factor, reason = run(governor, margin, load)
        assert factor in FACTORS
        assert (reason is None) == (factor == 1)


@given(st.lists(st.tuples(margins, loads), max_size=60), margins, loads)
def test_constant_measurements_settle_and_stay(steps: list[tuple[float, float]], margin: float, load: float) -> None:
    governor = HopGovernor(HOP_S)
    for step in steps:
        run(governor, *step)
    settled = run(governor, margin, load, times=3 * CALM_PATIENCE).factor
    assert {run(governor, margin, load).factor for _ in range(2 * CALM_PATIENCE)} == {settled}


@given(st.lists(st.tuples(margins, loads), max_size=60), st.sampled_from((2, 4)))
def test_what_is_too_hot_or_too_slow_is_slowed_down_in_time(steps: list[tuple[float, float]], factor: int) -> None:
    governor = HopGovernor(HOP_S)
    for step in steps:
        run(governor, *step)
    assert run(governor, HOT_MARGIN_C[factor], 0).factor >= factor
    assert run(governor, 80, BUSY[factor], times=SLOW_PATIENCE).factor >= factor


@given(st.lists(st.tuples(margins, loads), max_size=60))
def test_calm_comes_back_to_the_full_rate(steps: list[tuple[float, float]]) -> None:
    governor = HopGovernor(HOP_S)
    for step in steps:
        run(governor, *step)
    assert run(governor, 60, 0.0, times=2 * CALM_PATIENCE).factor == 1


@settings(max_examples=50)
@given(st.sampled_from((2, 4)), st.lists(st.floats(0, 0.99), min_size=50, max_size=200))
def test_noise_within_the_hysteresis_never_makes_it_flap(factor: int, noise: list[float]) -> None:
    hot, slow = HopGovernor(HOP_S), HopGovernor(HOP_S)
    run(hot, HOT_MARGIN_C[factor])
    run(slow, 80, BUSY[factor], times=SLOW_PATIENCE)
    for share in noise:
        assert run(hot, HOT_MARGIN_C[factor] + share * HEAT_HYSTERESIS_C).factor == factor
        assert run(slow, 80, BUSY[factor] * (1 - share * (1 - BUSY_HYSTERESIS))).factor == factor


@given(st.lists(st.tuples(margins, loads, st.floats(0, 10), st.floats(0, 2)), min_size=1, max_size=60))
def test_a_hotter_and_slower_machine_never_gets_the_shorter_hop(
    steps: list[tuple[float, float, float, float]],
) -> None:
    easy, hard = HopGovernor(HOP_S), HopGovernor(HOP_S)
    for margin, load, hotter, slower in steps:
        assert run(hard, margin - hotter, load + slower).factor >= run(easy, margin, load).factor
