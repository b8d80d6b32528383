from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import NS_PER_S, Frame, WindowSpec
from edge.preprocess import FRESH_NS
from edge.sources.live_grid import LiveGrid

SPEC = WindowSpec(frame_size_px=8)
TICK_NS = NS_PER_S / 30
MS = 1_000_000


def picture(number: int) -> np.ndarray:
    return np.full((8, 8, 3), number % 256, np.uint8)


def run(times_ns: list[int]) -> list[Frame]:
    grid = LiveGrid(SPEC)
    frames: list[Frame] = []
    for number, t_ns in enumerate(times_ns):
        needed = grid.needs(t_ns)
        filled = grid.fill(t_ns, picture(number))
        assert bool(filled) == needed
        frames += filled
    return frames


def ticks(frames: list[Frame]) -> list[int]:
    return [frame.tick for frame in frames]


@pytest.mark.parametrize("phase_ms", [0.0, 5.0, 16.6, 16.7, 20.0, 33.0])
@pytest.mark.parametrize("tremble_ms", [0.0, 4.0])
def test_a_30_hz_camera_fills_every_tick_with_its_own_frame_at_any_phase(phase_ms: float, tremble_ms: float) -> None:
    tremble = np.random.default_rng(0).uniform(-tremble_ms, tremble_ms, 600)
    frames = run([round(n * TICK_NS + (phase_ms + tremble[n]) * MS) for n in range(600)])
    assert ticks(frames) == list(range(ticks(frames)[0], ticks(frames)[0] + len(frames)))
    held = [frame for frame, before in zip(frames[1:], frames, strict=False) if frame.t_ns == before.t_ns]
    assert len(held) <= 1  # once, when the phase is found
    assert len(frames) >= 598


@pytest.mark.parametrize(("rate_hz", "shown"), [(60, 0.5), (120, 0.25), (29.97, 1.0), (25, 1.0), (10, 1.0)])
def test_other_rates_fill_every_tick_too(rate_hz: float, shown: float) -> None:
    times = [round(n * NS_PER_S / rate_hz) for n in range(round(rate_hz * 20))]
    frames = run(times)
    assert ticks(frames) == list(range(len(frames)))
    assert len({frame.t_ns for frame in frames}) == pytest.approx(shown * len(times), rel=0.01)
    for frame in frames:
        assert frame.tick * TICK_NS - frame.t_ns < FRESH_NS


def test_a_gap_is_held_while_the_frame_is_fresh_and_then_left_unwritten() -> None:
    frames = run([0, 100 * NS_PER_S])
    assert ticks(frames) == [0, 1, 2, 3, 4, 5, 6, 7, 3000]
    assert [frame.t_ns for frame in frames] == [0] * 8 + [100 * NS_PER_S]
    assert all(np.array_equal(frame.image, picture(0)) for frame in frames[:8])


def test_the_first_frame_may_come_hours_after_the_origin_but_not_before_it() -> None:
    assert ticks(run([3600 * NS_PER_S])) == [108_000]
    assert run([-20 * MS]) == []
    assert ticks(run([-200 * MS, -100 * MS, -10 * MS])) == [0]


def test_a_frame_of_the_past_is_not_needed() -> None:
    assert ticks(run([NS_PER_S, NS_PER_S // 2, NS_PER_S, NS_PER_S + 34 * MS])) == [30, 31]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 400 * MS), min_size=1, max_size=60))
def test_ticks_rise_and_show_only_what_was_seen(steps_ns: list[int]) -> None:
    times = [int(t) for t in np.cumsum(steps_ns)]
    frames = run(times)
    assert ticks(frames) == sorted(set(ticks(frames)))
    for frame in frames:
        assert frame.t_ns in times
        # Never before its time (but for the rounding to a tick), and never as sight when it is stale.
        assert frame.tick * TICK_NS - frame.t_ns + 0.25 * TICK_NS + MS >= -0.51 * TICK_NS
        assert frame.tick * TICK_NS - frame.t_ns <= FRESH_NS
