"""The V4L2 camera on the real system calls, answered by the shim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.contract import NS_PER_S
from tests.capture.camera_child import Watched, watch
from tests.capture.shim import DEVICE, h264_frames, jpeg_frames, shim_env, write_frames, yuyv_frames
from tests.media import numbered_picture, read_number

ENCODERS: dict[str, Callable[..., list[bytes]]] = {"YUYV": yuyv_frames, "MJPG": jpeg_frames, "H264": h264_frames}
TICK_NS = NS_PER_S / 30


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same 240 numbered pictures, 320x180, in every format of the shim."""
    folder = tmp_path_factory.mktemp("frames")
    pictures = [numbered_picture(number, (320, 180)) for number in range(240)]
    return {fourcc: write_frames(folder / fourcc, encode(pictures)) for fourcc, encode in ENCODERS.items()}


def numbers(seen: Watched) -> list[int]:
    return [read_number(image) for image in seen.images]


def ticks(seen: Watched) -> list[int]:
    return [frame.tick for frame in seen.frames]


@pytest.mark.parametrize("fourcc", list(ENCODERS))
def test_every_frame_comes_once_on_its_tick_with_the_kernels_time(
    fourcc: str, frames: dict[str, Path], tmp_path: Path
) -> None:
    seen = watch(DEVICE, tmp_path, shim_env(frames[fourcc], f"{fourcc}:320x180@30"))
    assert len(seen.frames) >= 40
    assert numbers(seen) == list(range(len(seen.frames)))
    assert ticks(seen) == list(range(ticks(seen)[0], ticks(seen)[0] + len(seen.frames)))
    assert max(abs(frame.t_ns - frame.tick * TICK_NS) for frame in seen.frames) <= 0.75 * TICK_NS
    facts = seen.facts
    assert facts["format"] == f"{fourcc} 320x180 @ 30 Hz"
    assert facts["clock"] == "kernel"
    assert abs(facts["rate_hz"] - 30) < 1
    assert facts["delivered"] >= len(seen.frames)
    assert (facts["corrupt"], facts["lost"], facts["dropped"]) == (0, 0, 0)
    assert not seen.errors


def test_a_60_hz_camera_gives_every_second_frame(frames: dict[str, Path], tmp_path: Path) -> None:
    seen = watch(DEVICE, tmp_path, shim_env(frames["MJPG"], "MJPG:320x180@60"))
    steps = np.diff(numbers(seen))
    assert (steps == 2).mean() > 0.9
    assert np.all(np.diff(ticks(seen)) == 1)
    assert seen.facts["delivered"] >= 2 * len(seen.frames) - 2


def test_a_15_hz_camera_holds_every_frame_for_one_more_tick(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["YUYV"], "YUYV:320x180@30", fault="rate:15")
    seen = watch(DEVICE, tmp_path, env)
    assert seen.facts["format"] == "YUYV 320x180 @ 15 Hz"
    assert np.all(np.diff(ticks(seen)) == 1)
    shown = np.array(numbers(seen))
    assert np.array_equal(shown[1::2], shown[0::2][: len(shown) // 2])
    times = [frame.t_ns for frame in seen.frames]
    assert (
        times[0] == times[1] < times[2] == times[3]
    )  # a held frame keeps its own time, so that its age is judged rightly


def test_a_restarted_capture_goes_on_with_the_ticks_of_its_stream(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["YUYV"], "YUYV:320x180@30")
    seen = watch(DEVICE, tmp_path, env, seconds=0.5, origin_ago_s=3600)
    assert 108_000 <= ticks(seen)[0] < 108_030
    assert len(seen.frames) < 20
