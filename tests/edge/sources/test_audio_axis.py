from __future__ import annotations

import numpy as np
import pytest

from edge.sources.audio_axis import AudioAxis, Run

MS = 1_000_000
RATE = 16_000  # nothing is filtered at the axis's own rate, so samples can be compared exactly


def ones(n: int) -> np.ndarray:
    return np.ones(n, np.float32)


def runs(*blocks: tuple[int | None, np.ndarray, int]) -> list[Run]:
    axis = AudioAxis(RATE)
    return [*(run for block in blocks for run in axis.push(*block)), axis.flush()]


def placed(*blocks: tuple[int | None, np.ndarray, int]) -> np.ndarray:
    return np.concatenate([run.samples for run in runs(*blocks)])


def heard(*blocks: tuple[int | None, np.ndarray, int]) -> list[bool]:
    """A flag a sample."""
    return [run.heard for run in runs(*blocks) for _ in run.samples]


def test_blocks_that_follow_each_other_are_joined() -> None:
    assert placed((0, ones(160), RATE), (10 * MS, ones(160), RATE)).tolist() == [1] * 320


def test_late_start_becomes_zeros() -> None:
    assert placed((10 * MS, ones(160), RATE)).tolist() == [0] * 160 + [1] * 160
    assert heard((10 * MS, ones(160), RATE)) == [False] * 160 + [True] * 160


def test_sound_before_the_first_frame_is_cut() -> None:
    early = np.arange(480, dtype=np.float32)
    sound = placed((-20 * MS, early[:160], RATE), (-10 * MS, early[160:320], RATE), (0, early[320:], RATE))
    assert sound.tolist() == list(range(320, 480))
    assert placed((-5 * MS, early[:160], RATE)).tolist() == list(range(80, 160))


def test_gap_over_50_ms_becomes_zeros() -> None:
    sound = placed((0, ones(160), RATE), (70 * MS, ones(160), RATE))
    assert sound.tolist() == [1] * 160 + [0] * 960 + [1] * 160
    assert heard((0, ones(160), RATE), (70 * MS, ones(160), RATE)) == [True] * 160 + [False] * 960 + [True] * 160


def test_nothing_of_a_sound_rings_into_the_gap_before_it() -> None:
    sound = placed((0, ones(4800), 48_000), (300 * MS, ones(4800), 48_000))
    assert sound[1600:4800].tolist() == [0] * 3200
    assert len(sound) == 6400


def test_cutting_before_the_first_frame_leaves_no_edge() -> None:
    wave = np.sin(np.arange(9600) * 2 * np.pi * 440 / 48_000).astype(np.float32)
    whole, cut = placed((0, wave, 48_000)), placed((-100 * MS, wave, 48_000))
    assert np.array_equal(whole[1600:], cut)


@pytest.mark.parametrize("jitter_ms", [-40, -1, 1, 40])
def test_time_stamps_off_by_less_are_not_believed(jitter_ms: int) -> None:
    assert placed((0, ones(1600), RATE), ((100 + jitter_ms) * MS, ones(160), RATE)).tolist() == [1] * 1760


def test_overlap_is_cut() -> None:
    sound = placed((0, ones(1600), RATE), (0, 2 * ones(1600), RATE), (100 * MS, 3 * ones(160), RATE))
    assert sound.tolist() == [1] * 1600 + [3] * 160


def test_slow_drift_of_the_time_stamps_is_followed() -> None:
    axis, total = AudioAxis(RATE), 0
    for n in range(1000):  # each block of 10 ms claims to start 10.1 ms after the one before
        total += sum(len(run.samples) for run in axis.push(int(n * 10.1 * MS), ones(160), RATE))
    assert total == pytest.approx(10.1 * RATE, abs=0.06 * RATE)


def test_block_without_time_follows_the_last() -> None:
    assert placed((0, ones(160), RATE), (None, 2 * ones(160), RATE)).tolist() == [1] * 160 + [2] * 160


def test_times_that_start_anew_go_on() -> None:
    blocks = [(n * 100 * MS, ones(1600), RATE) for n in range(30)]
    assert len(placed(*blocks, *blocks)) == 60 * 1600


def test_leap_of_hours_is_closed() -> None:
    hours = 5 * 3600 * 1000 * MS
    assert len(placed((0, ones(160), RATE), (hours, ones(160), RATE))) == 320
    assert len(placed((hours, ones(160), RATE))) == 160


def test_change_of_rate_and_channels_keeps_the_length() -> None:
    t = np.arange(48_000) / 48_000
    wave = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    sound = placed(
        (0, wave, 48_000),
        (1000 * MS, np.stack([wave[:44_100]] * 2, axis=1), 44_100),
        (2000 * MS, wave[:8_000], 8_000),
    )
    assert len(sound) == 3 * RATE


def test_change_of_rate_before_any_sample() -> None:
    assert len(placed((-10 * MS, ones(80), 8_000), (0, ones(441), 44_100))) == 160


def test_nothing_pushed() -> None:
    assert len(AudioAxis(RATE).flush().samples) == 0
