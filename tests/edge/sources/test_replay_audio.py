"""What a clip's sound becomes: in place, at 16 kHz, mono, exact in length."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from edge.contract import AudioBlock, AudioEnd, VideoEnd
from tests.edge.sources.playing import play
from tests.media import joined, make_clip, tone, unknown_codec


def impulse(at_s: float, seconds: float = 1.0, rate: int = 48_000) -> np.ndarray:
    sound = np.zeros((round(seconds * rate), 1), np.float32)
    sound[round(at_s * rate)] = 0.9
    return sound


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_tone_of_any_rate_and_channel_count(tmp_path: Path, rate: int, channels: int) -> None:
    path = make_clip(
        tmp_path / "clip.mov", audio="tone", rate=rate, channels=channels, frequency_hz=1000, audio_codec="pcm_s16le"
    )
    sound = play(path).sound
    assert len(sound) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(sound * np.hanning(16_000)))) == 1000
    assert np.std(sound[800:-800]) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("codec", ["aac", "flac", "pcm_s16le", "pcm_f32le"])
def test_sound_equals_the_offline_computation(tmp_path: Path, codec: str) -> None:
    path = make_clip(tmp_path / "clip.mkv", audio="tone", rate=44_100, channels=2, audio_codec=codec)
    with av.open(str(path)) as container:
        decoded = list(container.decode(audio=0))
        parts = [frame.to_ndarray() for frame in decoded]
        start_s = float(decoded[0].pts * decoded[0].time_base)
    whole = np.concatenate([part if len(part) == 2 else part.reshape(-1, 2).T for part in parts], axis=1)
    if whole.dtype.kind == "i":
        whole = whole / 2.0 ** (8 * whole.dtype.itemsize - 1)
    mono = whole.astype(np.float32).mean(axis=0)
    shift = round(start_s * 44_100)
    mono = np.concatenate([np.zeros(shift, np.float32), mono]) if shift > 0 else mono[-shift:]
    sound = play(path).sound
    assert len(sound) == round(len(mono) * 16_000 / 44_100)
    expected = soxr.resample(mono, 44_100, 16_000, "HQ")
    n = min(len(sound), len(expected))
    np.testing.assert_allclose(sound[:n], expected[:n], atol=1e-4)


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
@pytest.mark.parametrize("offset_s", [-0.3, -0.013, 0.0, 0.02, 0.25])
def test_sound_is_placed_by_its_time_stamps(tmp_path: Path, suffix: str, offset_s: float) -> None:
    path = make_clip(tmp_path / f"clip{suffix}", audio=impulse(0.5), audio_codec="pcm_s16le", audio_offset_s=offset_s)
    sound = play(path).sound
    to_ms = 16 if suffix == ".mkv" else 1  # Matroska rounds times to 1 ms
    assert np.argmax(np.abs(sound)) == pytest.approx((0.5 + offset_s) * 16_000, abs=to_ms)
    assert len(sound) == pytest.approx((1 + offset_s) * 16_000, abs=to_ms)


def test_aac_in_mp4_is_in_place(tmp_path: Path) -> None:
    """The encoder's priming samples are cut as the edit list asks."""
    sound = play(make_clip(tmp_path / "clip.mp4", audio=impulse(0.5))).sound
    assert np.argmax(np.abs(sound)) == pytest.approx(8_000, abs=8)


def test_hole_in_the_sound_becomes_zeros(tmp_path: Path) -> None:
    sound = np.concatenate([tone(0.4, 48_000), tone(0.4, 48_000)])
    path = make_clip(
        tmp_path / "clip.mkv", audio=sound, audio_codec="pcm_s16le", audio_hole_s=(0.4096, 0.5), seconds=1.5
    )
    played = play(path).sound
    assert len(played) == pytest.approx(1.3 * 16_000, abs=32)
    hole = slice(round(0.43 * 16_000), round(0.89 * 16_000))
    assert np.abs(played[hole]).max() < 1e-3
    assert np.std(played[round(0.93 * 16_000) : -400]) > 0.3


def test_silent_track_is_said_at_the_end(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mp4", audio="silence"))
    assert played.notes == ("the audio track is silent",)
    assert played.audio_end == AudioEnd("end")
    assert len(played.sound) >= 16_000
    assert not played.sound.any()


def test_track_with_sound_only_late_is_not_called_silent(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mp4", audio=impulse(0.9)))
    assert played.notes == ()


def test_no_audio_track_is_said_at_the_start(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mp4"))
    assert played.events[0] == AudioEnd("no audio track")
    assert played.notes == ("no audio track",)
    assert not played.blocks


def test_first_of_two_audio_streams_is_taken(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", audio="tone", frequency_hz=500, second_audio_hz=2000)
    sound = play(path).sound[:16_000]
    assert np.argmax(np.abs(np.fft.rfft(sound * np.hanning(16_000)))) == 500


def test_stream_that_cannot_be_decoded_is_passed_over(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", audio="tone", frequency_hz=500, second_audio_hz=2000)
    sound = play(unknown_codec(path, b"A_AAC")).sound[:16_000]
    assert np.argmax(np.abs(np.fft.rfft(sound * np.hanning(16_000)))) == 2000


def test_only_audio_stream_cannot_be_decoded(tmp_path: Path) -> None:
    played = play(unknown_codec(make_clip(tmp_path / "clip.mkv", audio="tone"), b"A_AAC"))
    assert played.events[0] == AudioEnd("the audio track cannot be decoded")
    assert played.notes == ("the audio track cannot be decoded",)


def test_sound_longer_than_the_video_is_played_to_its_end(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", audio=tone(2, 48_000), audio_codec="pcm_s16le", seconds=0.5)
    played = play(path)
    assert len(played.sound) == 32_000
    assert played.video_end == VideoEnd(15)
    assert played.events[-1] == AudioEnd("end")


def test_long_packets_come_as_short_blocks(tmp_path: Path) -> None:
    """A block of AAC at 8 kHz is 128 ms long; what comes out is 20 ms, but for the last."""
    blocks = play(make_clip(tmp_path / "clip.mp4", audio="tone", rate=8_000)).blocks
    assert {len(block.samples) for block in blocks[:-1]} == {320}


def test_rate_and_channels_may_change_in_the_middle(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.ts", seconds=1.5, audio="tone", channels=2, frequency_hz=1000)
    second = make_clip(tmp_path / "b.ts", seconds=1.5, audio="tone", rate=44_100, frequency_hz=1000)
    played = play(joined(tmp_path / "clip.ts", first, second))
    assert len(played.sound) == pytest.approx(3 * 16_000, abs=1600)
    for part in (played.sound[4_000:20_000], played.sound[28_000:44_000]):
        assert np.argmax(np.abs(np.fft.rfft(part * np.hanning(16_000)))) == 1000


def test_sound_comes_before_the_frame_of_the_same_time(tmp_path: Path) -> None:
    """When the frame of tick k arrives, all sound up to tick k has arrived."""
    arrived_ns = 0
    for event in play(make_clip(tmp_path / "clip.mov", audio="tone", audio_codec="pcm_s16le")).events:
        if isinstance(event, AudioBlock):
            arrived_ns = (event.start_sample + len(event.samples)) * 1_000_000_000 // 16_000
        elif not isinstance(event, AudioEnd | VideoEnd):
            assert arrived_ns >= event.tick * 1_000_000_000 // 30 - 20_000_000
