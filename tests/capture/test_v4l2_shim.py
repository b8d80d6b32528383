"""The V4L2 camera on the real system calls, answered by the shim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.contract import NS_PER_S
from tests.capture.camera_child import Watched, watch, watch_undisturbed
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
    seen = watch_undisturbed(DEVICE, tmp_path, shim_env(frames[fourcc], f"{fourcc}:320x180@30"))
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
    seen = watch_undisturbed(DEVICE, tmp_path, shim_env(frames["MJPG"], "MJPG:320x180@60"))
    steps = np.diff(numbers(seen))
    assert (steps == 2).mean() > 0.9
    assert np.all(np.diff(ticks(seen)) == 1)
    assert seen.facts["delivered"] >= 2 * len(seen.frames) - 2


def test_a_15_hz_camera_holds_every_frame_for_one_more_tick(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["YUYV"], "YUYV:320x180@30", fault="rate:15")
    seen = watch_undisturbed(DEVICE, tmp_path, env)
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


def test_time_stamps_that_cannot_be_true_are_replaced_and_counted(frames: dict[str, Path], tmp_path: Path) -> None:
    fault = "zero@5-9,same@15-16,future@20-24:500,past@25-29:60000,unknown@30-34"
    seen = watch_undisturbed(DEVICE, tmp_path, shim_env(frames["YUYV"], "YUYV:320x180@30", fault=fault))
    assert seen.facts["clock"] == "kernel, arrival for 22 frames"
    assert np.all(np.diff(ticks(seen)) == 1)
    assert max(frame.read_ns - frame.t_ns for frame in seen.frames) < NS_PER_S // 2
    assert min(frame.read_ns - frame.t_ns for frame in seen.frames) >= 0


def test_the_latency_is_taken_off_every_time_stamp(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["YUYV"], "YUYV:320x180@30")
    seen = watch(DEVICE, tmp_path, env, seconds=0.7, latency_ms=200.0)
    assert min(frame.read_ns - frame.t_ns for frame in seen.frames) >= 200_000_000
    assert seen.facts["age_ms"] < 200  # the age on arrival is the transport's alone


def test_damaged_frames_are_counted_and_skipped_and_lost_ones_counted(frames: dict[str, Path], tmp_path: Path) -> None:
    fault = "error@10,garbage@15-17,short@20,lose@30-31"
    seen = watch_undisturbed(DEVICE, tmp_path, shim_env(frames["MJPG"], "MJPG:320x180@30", fault=fault), lost=2)
    assert seen.facts["corrupt"] == 5
    assert seen.facts["lost"] == 2
    assert not seen.errors
    shown = numbers(seen)
    assert not {10, 15, 16, 17, 20, 30, 31} & set(shown)
    assert np.all(np.diff(ticks(seen)) == 1)  # the frame before is held meanwhile
    assert {shown.count(9), shown.count(14), shown.count(19), shown.count(29)} == {2, 4, 3}
    assert shown[-1] >= 40


def test_h264_goes_on_after_damage(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["H264"], "H264:320x180@30", fault="garbage@12-13,error@15")
    seen = watch_undisturbed(DEVICE, tmp_path, env)
    assert seen.facts["corrupt"] >= 2
    assert [number for number in numbers(seen) if number > 20] == list(range(21, numbers(seen)[-1] + 1))


def test_unplugged_and_back(frames: dict[str, Path], tmp_path: Path) -> None:
    env = shim_env(frames["MJPG"], "MJPG:320x180@30", fault="unplug@15:700")
    seen = watch(DEVICE, tmp_path, env, seconds=2.2, reopen=True)
    assert {kind for kind, _, _ in seen.errors} == {"DeviceLostError"}
    assert "unplugged" in seen.errors[0][1]
    assert "no such camera" in seen.errors[1][1]
    back_s = seen.errors[0][2] + 0.7
    first_again = next(frame for frame in seen.frames if frame.read_ns / NS_PER_S > back_s)
    assert first_again.read_ns / NS_PER_S - back_s < 2
    gap = max(np.diff(ticks(seen)))
    assert 18 <= gap <= 40  # nobody saw these ticks: they stay unwritten
    assert abs(first_again.t_ns - first_again.tick * TICK_NS) <= 0.75 * TICK_NS


def test_a_stall_gives_empty_reads_and_old_frames_are_not_stretched_over_it(
    frames: dict[str, Path], tmp_path: Path
) -> None:
    env = shim_env(frames["YUYV"], "YUYV:320x180@30", fault="stall@15:800")
    seen = watch(DEVICE, tmp_path, env, seconds=2.0, timeout_s=0.1)
    assert 5 <= seen.empty_reads <= 10
    assert not seen.errors
    shown = numbers(seen)
    assert shown.count(14) <= 9  # itself and held for 0.25 s
    assert max(np.diff(ticks(seen))) >= 12
    assert shown[-1] >= 25


def test_a_slow_reader_gets_fresh_frames_and_every_frame_is_accounted_for(
    frames: dict[str, Path], tmp_path: Path
) -> None:
    seen = watch(DEVICE, tmp_path, shim_env(frames["MJPG"], "MJPG:320x180@30"), seconds=3.0, busy_s=0.25)
    newest = {frame.read_ns: frame.t_ns for frame in seen.frames}
    assert max(read_ns - t_ns for read_ns, t_ns in newest.items()) < 0.5 * NS_PER_S
    assert seen.facts["dropped"] > 10
    assert seen.facts["lost"] > 10  # the driver had no buffer to fill
    assert seen.facts["delivered"] + seen.facts["lost"] >= 80


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("busy", "SourceError", ("/dev/video0", "in use", "fuser")),
        ("denied", "SourceError", ("/dev/video0", "permission denied", "usermod -aG video")),
        ("unplug@0:60000", "DeviceLostError", ("unplugged",)),
    ],
)
def test_a_camera_that_cannot_be_used_says_why(
    fault: str, kind: str, words: tuple[str, ...], frames: dict[str, Path], tmp_path: Path
) -> None:
    seen = watch(DEVICE, tmp_path, shim_env(frames["YUYV"], "YUYV:320x180@30", fault=fault), seconds=1)
    ((error, message, _),) = seen.errors
    assert error == kind
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_the_smallest_sufficient_mode_is_taken_unless_another_is_wished(
    frames: dict[str, Path], tmp_path: Path
) -> None:
    modes = {"YUYV:320x180@30": frames["YUYV"], "MJPG:320x180@60": frames["MJPG"], "YUYV:320x180@10": frames["YUYV"]}
    chosen = watch(DEVICE, tmp_path, shim_env(modes), seconds=0.4)
    assert chosen.facts["format"] == "YUYV 320x180 @ 30 Hz"
    wished = watch(DEVICE, tmp_path, shim_env(modes), seconds=0.4, fourcc="MJPG", rate_hz=60)
    assert wished.facts["format"] == "MJPG 320x180 @ 60 Hz"
    refused = watch(DEVICE, tmp_path, shim_env(modes), seconds=0.4, size=(1280, 720))
    assert "does not offer 1280x720; it offers YUYV 320x180 @ 30 Hz" in refused.errors[0][1]
