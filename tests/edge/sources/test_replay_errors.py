"""Files that are not whole, or no clips at all: one clear line, or a clip that ends early with a note."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import SourceError
from edge.sources.replay import ReplaySource
from tests.edge.sources.playing import SPEC, play
from tests.media import broken_tail, damaged_middle, make_clip, read_number, truncated, unknown_codec

FAST_START = {"movflags": "faststart"}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def only_sound(path: Path) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


BAD = {
    "missing": (lambda d: d / "missing.mp4", "no such file"),
    "folder": (lambda d: d, "is a folder"),
    "empty": (lambda d: write(d / "empty.mp4", b""), "is empty"),
    "text named as a clip": (lambda d: write(d / "text.mp4", b"hello\n" * 50), "not a video"),
    "text": (lambda d: write(d / "text.txt", b"hello\n" * 50), "not a video"),
    "noise": (lambda d: write(d / "noise.mkv", np.random.default_rng(0).bytes(5000)), "not a video"),
    "truncated": (lambda d: truncated(make_clip(d / "clip.mp4", audio="tone")), "is incomplete"),
    "only sound": (lambda d: only_sound(d / "sound.wav"), "has no video stream"),
    "unknown codec": (lambda d: unknown_codec(make_clip(d / "c.mkv"), b"V_MPEG4/ISO/AVC"), "cannot be decoded"),
    "header only": (lambda d: broken_tail(make_clip(d / "c.mp4", container_options=FAST_START), 0.2), "cannot be"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_one_line_that_names_it(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    make, reason = BAD[name]
    path = make(tmp_path)
    with pytest.raises(SourceError) as caught:
        ReplaySource(path, SPEC).open()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message
    assert ";" in message  # what mends it stands after the reason
    assert capfd.readouterr() == ("", "")


def test_read_before_open_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not open"):
        ReplaySource(tmp_path / "clip.mp4", SPEC).read(0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_broken_tail_ends_the_clip_with_a_note(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    options = FAST_START if suffix == ".mp4" else None
    whole = make_clip(tmp_path / f"clip{suffix}", audio="tone", seconds=3, container_options=options)
    played = play(broken_tail(whole))
    assert 30 < played.video_end.ticks < 75
    assert [read_number(frame.image) for frame in played.frames[:30]] == list(range(30))
    (note,) = (note for note in played.notes if "broken at its end" in note)
    assert f"stops at {played.video_end.ticks / 30:.1f} s of 3.0 s" in note
    assert capfd.readouterr() == ("", "")


def test_whole_clip_has_no_note(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        assert play(make_clip(tmp_path / f"clip{suffix}", audio="tone", seconds=2)).notes == ()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damage_in_the_middle_is_survived(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    whole = make_clip(tmp_path / f"clip{suffix}", audio="tone", seconds=3, size=(160, 120))
    played = play(damaged_middle(whole))
    assert played.video_end.ticks == 90
    assert read_number(played.frames[-1].image) == 89
    assert len(played.sound) == pytest.approx(3 * 16_000, abs=4_800)
    assert capfd.readouterr() == ("", "")


def test_damaged_packets_are_counted(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", audio="tone", seconds=3, size=(160, 120))
    assert "damaged audio packets were skipped" in " ".join(play(damaged_middle(path)).notes)


def test_colon_in_a_name_is_no_protocol(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=0.2)
    assert len(play(path.rename(tmp_path / "http:12:30.mp4")).frames) == 6


def test_playlist_does_not_reach_for_the_network(tmp_path: Path) -> None:
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n#EXT-X-ENDLIST\n"
    path = write(tmp_path / "list.m3u8", playlist)
    with pytest.raises(SourceError):
        ReplaySource(path, SPEC).open()
