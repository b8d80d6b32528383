from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec
from trainer.features.windows import row_inputs

SPEC = WindowSpec(frame_size_px=2)
FRAME_SAMPLES = SPEC.audio_rate_hz / SPEC.frame_rate_hz


def picture(tick: int) -> np.ndarray:
    return np.full((2, 2, 3), tick % 251, np.uint8)


def sound(count: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, count).astype(np.float32)


def stream(ticks: int, samples: int, block: int = 700) -> Iterator[Event]:
    """Frames and blocks in time order; the sound may be shorter than the video."""
    track = sound(samples)
    events: list[tuple[float, Event]] = [(t / 30, Frame(t, SPEC.tick_ns(t), picture(t))) for t in range(ticks)]
    for start in range(0, samples, block):
        part = track[start : start + block]
        events.append(((start + len(part)) / 16000, AudioBlock(start, part)))
    events += [(samples / 16000, AudioEnd("end")), (ticks / 30, VideoEnd(ticks))]
    return (event for _, event in sorted(events, key=lambda timed: timed[0]))


def literal_window(samples: np.ndarray, end_tick: int) -> np.ndarray:
    """The contract's rule: the samples before floor(end_tick * 16000 / 30), zeros where the track has none."""
    end = end_tick * 16000 // 30
    padded = np.concatenate([np.zeros(34133, np.float32), samples, np.zeros(max(0, end - len(samples)), np.float32)])
    return padded[end : end + 34133]


@pytest.mark.parametrize("ticks", [1, 20, 32, 33, 48, 100, 600])
def test_rows_and_sound_follow_the_contract(ticks: int) -> None:
    samples = round(ticks * FRAME_SAMPLES)
    rows = list(row_inputs(stream(ticks, samples), SPEC))
    assert [row.start_tick for row in rows] == SPEC.row_starts(ticks)
    for row in rows:
        expected = [min(tick, ticks - 1) % 251 for tick in range(row.start_tick, row.start_tick + 32)]
        assert row.frames[:, 0, 0, 0].tolist() == expected
        np.testing.assert_array_equal(row.samples, literal_window(sound(samples), row.start_tick + 32))
    full = [row for row in rows if (row.start_tick + 32) * FRAME_SAMPLES >= 34133 and row.start_tick + 32 <= ticks]
    assert all(row.audio_coverage == pytest.approx(1.0, abs=1e-3) for row in full)
    assert rows[0].audio_coverage == pytest.approx(min(ticks, 32) / 64, abs=1e-3)


def test_sound_that_ends_early_leaves_zeros() -> None:
    rows = list(row_inputs(stream(160, 20_000), SPEC))
    assert [row.start_tick for row in rows] == SPEC.row_starts(160)
    np.testing.assert_array_equal(rows[2].samples, literal_window(sound(20_000), 64))
    assert rows[2].audio_coverage == pytest.approx((20_000) / 34133, abs=1e-3)
    assert rows[-1].audio_coverage == 0.0
    assert not rows[-1].samples.any()


def test_no_sound_at_all() -> None:
    rows = list(row_inputs(itertools.chain([AudioEnd("no audio track")], stream(64, 0)), SPEC))
    assert len(rows) == 3
    assert all(row.audio_coverage == 0.0 for row in rows)


def test_a_row_comes_as_soon_as_its_frames_and_sound_are_there() -> None:
    given: list[Event] = []

    def watched() -> Iterator[Event]:
        for event in stream(300, 160_000):
            given.append(event)
            yield event

    first = next(row_inputs(watched(), SPEC))
    assert first.start_tick == 0
    assert sum(isinstance(event, Frame) for event in given) < 36


def test_an_empty_stream_has_no_rows() -> None:
    assert list(row_inputs([AudioEnd("no audio track"), VideoEnd(0)], SPEC)) == []
