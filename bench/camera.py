"""Age and CPU time of frames from a V4L2 camera: egoact's own reader against libavdevice (PyAV) and OpenCV.

The camera is the tests' shim (real system calls, no hardware), so that everything but the sensor and the bus is real.
Every way runs in a process of its own, in turns, and makes the same grid frames. Age: from the kernel's time stamp to
the finished frame, uint8 [S, S, 3]. CPU time: of the reading thread, per grid frame. Then how long a camera that was
unplugged and came back takes to give frames again. Prints a Markdown table and one line of JSON.

example:
  python -m bench.camera --seconds 10 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, WindowSpec
from edge.errors import DeviceLostError
from edge.preprocess import resize_crop
from edge.sources.camera import open_camera
from edge.sources.live_grid import LiveGrid
from edge.sources.video_track import upright_rgb
from tests.capture.shim import DEVICE, jpeg_frames, shim_env, write_frames, yuyv_frames

SPEC = WindowSpec(frame_size_px=128)
MODES = ("YUYV:640x360@30", "MJPG:1280x720@30", "MJPG:1280x720@60")


class Measured(NamedTuple):
    """One way on one mode."""

    age_p50_ms: float
    age_p99_ms: float
    cpu_ms: float
    """A grid frame."""
    frames: int


Way = Callable[[str], Iterator[int]]
"""Yields the monotonic time stamp of every grid frame when it is finished, for ever."""


def with_egoact(mode: str) -> Iterator[int]:
    camera = open_camera(DEVICE, SPEC)
    camera.open(0)
    while True:
        yield from (frame.t_ns for frame in camera.read(1.0))


def with_libavdevice(mode: str) -> Iterator[int]:
    fourcc, size, rate = mode.replace("@", ":").split(":")
    options = {"video_size": size, "framerate": rate, "input_format": {"YUYV": "yuyv422", "MJPG": "mjpeg"}[fourcc]}
    container = av.open(DEVICE, format="v4l2", options=options)
    container.streams.video[0].thread_count = 1
    grid = LiveGrid(SPEC)
    for frame in container.decode(video=0):
        t_ns = round(float(frame.pts * frame.time_base) * NS_PER_S)
        if grid.needs(t_ns):
            yield from (made.t_ns for made in grid.fill(t_ns, resize_crop(upright_rgb(frame), SPEC.frame_size_px)))


def with_opencv(mode: str) -> Iterator[int]:
    fourcc, size, rate = mode.replace("@", ":").split(":")
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(DEVICE, cv2.CAP_V4L2)
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, int(size.split("x")[0]))
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, int(size.split("x")[1]))
    capture.set(cv2.CAP_PROP_FPS, int(rate))
    grid = LiveGrid(SPEC)
    while True:
        if not capture.grab():
            raise SystemExit("OpenCV gave up on the camera")
        t_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if grid.needs(t_ns):
            rgb: Any = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
            yield from (made.t_ns for made in grid.fill(t_ns, resize_crop(rgb, SPEC.frame_size_px)))


WAYS: dict[str, Way] = {"egoact": with_egoact, "libavdevice": with_libavdevice, "OpenCV": with_opencv}


def measure(way: Way, mode: str, seconds: float) -> Measured:
    """Ages and CPU time after a warm-up of one second."""
    frames = way(mode)
    start_ns = time.monotonic_ns()
    while time.monotonic_ns() < start_ns + NS_PER_S:
        next(frames)
    ages, cpu_start_s, end_ns = [], time.thread_time(), time.monotonic_ns() + round(seconds * NS_PER_S)
    while time.monotonic_ns() < end_ns:
        t_ns = next(frames)
        ages.append((time.monotonic_ns() - t_ns) / 1e6)
    cpu_ms = (time.thread_time() - cpu_start_s) * 1e3 / len(ages)
    return Measured(*np.percentile(ages, (50, 99)).tolist(), cpu_ms, len(ages))


def recovery_s(gone_s: float) -> float:
    """From the return of a camera that was unplugged after one second to its next finished frame."""
    camera = open_camera(DEVICE, SPEC)
    camera.open(0)
    while True:
        try:
            camera.read(1.0)
        except DeviceLostError:
            lost_ns = time.monotonic_ns()
            break
    while True:
        try:
            camera.open(0)
            while not (frames := camera.read(1.0)):
                pass
            return (time.monotonic_ns() - lost_ns) / NS_PER_S - gone_s if frames else 0.0
        except DeviceLostError:
            time.sleep(0.1)


def textured(count: int, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Moving shapes with fine grain, which JPEG packs about as badly as a camera's pictures. Size (width, height)."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (12, 20, 3), np.uint8)
    whole = cv2.resize(coarse, (size[0] + count * 4, size[1]), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = random.integers(-12, 13, (size[1], size[0], 3), np.int16)
    shifts = (whole[:, 4 * n : 4 * n + size[0]] + np.roll(grain, 7 * n, axis=1) for n in range(count))
    return [np.clip(picture, 0, 255).astype(np.uint8) for picture in shifts]


def in_a_process(task: list[Any], env: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "bench.camera", "--task", json.dumps(task)]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1", **env}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of each way and mode")
    parser.add_argument("--repeats", type=int, default=3, help="turns; the medians count")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        kind, *rest = json.loads(arguments.task)
        print(json.dumps(recovery_s(*rest) if kind == "recovery" else measure(WAYS[kind], *rest)))
        return
    results: dict[str, dict[str, list[Measured]]] = {mode: {way: [] for way in WAYS} for mode in MODES}
    with tempfile.TemporaryDirectory() as folder:
        frames = {
            "YUYV": write_frames(Path(folder) / "yuyv", yuyv_frames(textured(30, (640, 360)))),
            "MJPG": write_frames(Path(folder) / "mjpg", jpeg_frames(textured(30, (1280, 720)))),
        }
        for mode in chain.from_iterable([MODES] * arguments.repeats):
            for way in WAYS:
                env = shim_env(frames[mode[:4]], mode)
                results[mode][way].append(Measured(*in_a_process([way, mode, arguments.seconds], env)))
        env = shim_env(frames["MJPG"], "MJPG:1280x720@30", fault="unplug@30:1000")
        recoveries = [in_a_process(["recovery", 1.0], env) for _ in range(arguments.repeats)]
    print("| camera | reader | age p50 ms | age p99 ms | CPU ms a frame |\n|---|---|---|---|---|")
    for mode, ways in results.items():
        for way, turns in ways.items():
            p50, p99, cpu = (statistics.median(turn[column] for turn in turns) for column in range(3))
            print(f"| {mode} | {way} | {p50:.1f} | {p99:.1f} | {cpu:.2f} |")
    print(f"\nframes again {statistics.median(recoveries):.2f} s after the camera's return (tried every 0.1 s)")
    print(json.dumps({"ways": results, "recovery_s": recoveries}))


if __name__ == "__main__":
    main()
