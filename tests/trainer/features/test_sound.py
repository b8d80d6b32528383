from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.clip_windows import replay_events
from edge.contract import AudioBlock, WindowSpec
from edge.errors import SourceError
from tests.media import make_clip
from trainer.features.sound import Sound, clip_extent, read_sound
from trainer.features.windows import row_inputs

SPEC = WindowSpec(frame_size_px=32)


def test_extent_of_a_clip_of_rows() -> None:
    """[16 s / 30, (16 e + 32) / 30] seconds; the last row of a video ends with it."""
    starts = SPEC.row_starts(200)
    assert starts[-2:] == [160, 168]
    for first, last in [(0, 0), (2, 7), (0, 10), (10, 10)]:
        begin, end = clip_extent(first, last, starts, SPEC)
        assert begin == int(16 * first / 30 * 16000)
        assert end == int((16 * last + 32) / 30 * 16000)
    assert clip_extent(11, 11, starts, SPEC) == (168 * 16000 // 30, 200 * 16000 // 30)
    for first, last in [(-1, 0), (3, 2), (0, 12)]:
        with pytest.raises(ValueError, match="12 rows"):
            clip_extent(first, last, starts, SPEC)


def test_windows_are_cut_and_padded() -> None:
    sound = Sound([AudioBlock(0, np.arange(1, 101, dtype=np.float32))])
    assert sound.window(50, 10).samples.tolist() == list(range(41, 51))
    early = sound.window(4, 10)
    assert early.samples.tolist() == [0] * 6 + [1, 2, 3, 4]
    assert early.coverage == 0.4
    late = sound.window(105, 10)
    assert late.samples.tolist() == [96, 97, 98, 99, 100, 0, 0, 0, 0, 0]
    assert late.coverage == 0.5
    assert sound.window(300, 10).coverage == 0.0
    assert Sound([]).window(10, 10).coverage == 0.0


@pytest.mark.parametrize("offset_s", [0.0, 0.4, -0.4])
def test_the_live_window_is_what_the_runtime_hears(tmp_path: Path, offset_s: float) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=4, audio="tone", rate=44_100, channels=2, audio_offset_s=offset_s)
    sound = read_sound(path, SPEC)
    rows = list(row_inputs(replay_events(path, SPEC), SPEC))
    assert len(rows) == 7
    for row in rows:
        window = sound.live_window(row.start_tick, SPEC)
        np.testing.assert_array_equal(window.samples, row.samples)
        assert window.coverage == pytest.approx(row.audio_coverage, abs=1e-9)


def test_a_clip_of_three_consecutive_rows_is_the_live_window(tmp_path: Path) -> None:
    sound = read_sound(make_clip(tmp_path / "clip.mp4", seconds=5, audio="tone"), SPEC)
    starts = SPEC.row_starts(150)
    live, clip = sound.live_window(starts[4], SPEC), sound.clip_window(2, 4, starts, SPEC)
    assert len(clip.samples) == 96 * 16000 // 30 - 32 * 16000 // 30
    shorter = min(len(clip.samples), len(live.samples))
    np.testing.assert_array_equal(clip.samples[-shorter:], live.samples[-shorter:])


def test_without_a_track_there_is_silence_that_counts_as_no_sound(tmp_path: Path) -> None:
    sound = read_sound(make_clip(tmp_path / "clip.mp4", seconds=1), SPEC)
    assert sound.window(16_000, 16_000).coverage == 0.0
    with pytest.raises(SourceError):
        read_sound(tmp_path / "none.mp4", SPEC)
