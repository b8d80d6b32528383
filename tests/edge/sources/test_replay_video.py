"""What a clip's pictures become: which frame each tick shows, upright, at the right size, exactly."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.contract import AudioEnd, Frame, VideoEnd, WindowSpec
from edge.sources.video_track import VideoTrack
from tests.edge.sources.playing import SPEC, play
from tests.media import joined, make_clip, numbered_picture, read_number

CLIPS: dict[str, dict] = {
    "24 fps": {"fps": 24},
    "25 fps": {"fps": 25},
    "29.97 fps": {"fps": Fraction(30000, 1001), "seconds": 2},
    "30 fps": {"fps": 30},
    "60 fps": {"fps": 60},
    "variable rate": {"vfr": True, "seconds": 2},
    "portrait": {"size": (48, 64)},
    "wide": {"size": (128, 48)},
    "turned 90": {"size": (48, 64), "rotation": 90},
    "turned 180": {"size": (64, 48), "rotation": 180},
    "turned 270": {"size": (64, 48), "rotation": 270},
    "with sound": {"audio": "tone"},
    "starts late on its own axis": {"start_s": 0.7, "audio": "tone"},
}


def offline_frames(path: Path, quarter_turns_clockwise: int) -> tuple[list[np.ndarray], list[int]]:
    """The literal computation: decode everything, nearest tick, resize; images and source frame indices by tick."""
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    times = [(frame.pts - decoded[0].pts) * frame.time_base for frame in decoded]
    ticks = [max(0, floor((t - Fraction(1, 1000)) * 30 + Fraction(1, 2))) for t in times]
    shown: list[int] = []
    for tick in range(ticks[-1] + 1):
        shown.append(ticks.index(tick) if tick in ticks else shown[-1])
    images = []
    for index in shown:
        rgb = np.rot90(decoded[index].to_ndarray(format="rgb24"), -quarter_turns_clockwise)
        height, width = rgb.shape[:2]
        ratio = SPEC.frame_size_px / min(height, width)
        height, width = floor(height * ratio), floor(width * ratio)
        scaled = cv2.resize(np.ascontiguousarray(rgb), (width, height), interpolation=cv2.INTER_LINEAR)
        top, left = int(round((height - 64) / 2)), int(round((width - 64) / 2))  # noqa: RUF046 - the rule as written
        images.append(scaled[top : top + 64, left : left + 64])
    return images, shown


@pytest.mark.parametrize("name", CLIPS)
def test_replay_equals_the_offline_computation_exactly(tmp_path: Path, name: str) -> None:
    options = CLIPS[name]
    path = make_clip(tmp_path / "clip.mp4", **options)
    images, shown = offline_frames(path, options.get("rotation", 0) // 90)
    played = play(path)
    assert played.video_end == VideoEnd(len(images))
    for frame, image in zip(played.frames, images, strict=True):
        assert np.array_equal(frame.image, image), f"tick {frame.tick}"
    assert [read_number(frame.image) for frame in played.frames] == shown


def test_frame_keeps_the_presentation_time_of_the_picture_it_shows(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1, 2), Fraction(16, 30)]
    played = play(make_clip(tmp_path / "clip.mp4", times_s=times))
    shown_ns = [frame.t_ns for frame in played.frames]
    assert shown_ns[0] == 0
    assert shown_ns[1:15] == [shown_ns[1]] * 14
    assert shown_ns[1] == pytest.approx(33_333_333, abs=20_000)  # the container's time base is not 30 Hz
    assert shown_ns[15] == pytest.approx(500_000_000, abs=20_000)
    assert len(shown_ns) == 17


def test_small_clip_is_enlarged(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mp4", seconds=0.2), WindowSpec(frame_size_px=256))
    assert played.frames[0].image.shape == (256, 256, 3)
    assert [read_number(frame.image) for frame in played.frames] == list(range(6))


def test_colours_are_rgb(tmp_path: Path) -> None:
    image = play(make_clip(tmp_path / "clip.mp4", size=(64, 64), seconds=0.1)).frames[0].image
    wanted = numbered_picture(0, (64, 64))
    assert np.abs(image[2:14, 2:14].mean((0, 1)) - wanted[2:14, 2:14].mean((0, 1))).max() < 20


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".ts", ".avi"])
def test_other_containers(tmp_path: Path, suffix: str) -> None:
    codec = "mjpeg" if suffix == ".avi" else "libx264"
    played = play(make_clip(tmp_path / f"clip{suffix}", codec=codec))
    assert [read_number(frame.image) for frame in played.frames] == list(range(30))
    assert played.notes == ("no audio track",)


def test_60_fps_with_times_rounded_to_ms_is_even(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mkv", fps=60))
    assert [read_number(frame.image) for frame in played.frames] == list(range(0, 60, 2))


def test_avi_with_b_frames_recovers_the_order(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.avi", seconds=2))
    numbers = [read_number(frame.image) for frame in played.frames]
    assert numbers[6:] == list(range(6, 60))  # AVI has no presentation times: the first fault must be seen first
    assert numbers == sorted(numbers)
    assert "unusable time stamp" in played.notes[-1]


def test_best_of_two_video_streams_is_taken(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", size=(32, 32), second_video=(192, 128), audio="tone")
    assert [read_number(frame.image) for frame in play(path).frames] == list(range(1000, 1030))


def test_cover_picture_is_not_the_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    make_clip(path, size=(64, 48), cover=(640, 480))
    assert [read_number(frame.image) for frame in play(path).frames] == list(range(30))


def test_size_may_change_in_the_middle(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.ts", seconds=1.5, size=(64, 48))
    second = make_clip(tmp_path / "b.ts", seconds=1.5, size=(96, 96))
    played = play(joined(tmp_path / "clip.ts", first, second))
    assert [read_number(frame.image) for frame in played.frames] == [*range(45), *range(45)]


def test_single_frame(tmp_path: Path) -> None:
    played = play(make_clip(tmp_path / "clip.mp4", times_s=[Fraction(0)]))
    assert played.video_end == VideoEnd(1)
    assert [type(event) for event in played.events] == [AudioEnd, type(played.frames[0]), VideoEnd]


def test_another_conversion_sees_every_picture_upright_and_whole(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=0.3, size=(48, 64), rotation=90)
    given: list[tuple[tuple[int, ...], int]] = []

    def shape(rgb: np.ndarray, size_px: int) -> np.ndarray:
        given.append((rgb.shape, size_px))
        return np.float32(rgb[:1])

    track = VideoTrack(path, SPEC, shape)
    frames = [event for _, event in track.events() if isinstance(event, Frame)]
    track.close()
    assert given == [((64, 48, 3), 64)] * 9  # stored lying
    assert [frame.image.dtype for frame in frames] == [np.float32] * 9
