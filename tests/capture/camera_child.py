"""Reads a camera as a capture process would, in a process of its own (which the shim's environment needs).

`watch(...)` runs it and returns what it saw.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.errors import DeviceLostError, EgoactError
from edge.sources.camera import open_camera
from edge.sources.v4l2_choice import CameraWish

SIZE_PX = 128


class Seen(NamedTuple):
    """One grid frame as it came out of the sensor."""

    tick: int
    t_ns: int
    """Stream time that the sensor gave it."""
    read_ns: int
    """Stream time at which `read` returned it."""


class Watched(NamedTuple):
    """What a child saw of a camera."""

    frames: list[Seen]
    images: NDArray[np.uint8]
    """[frames, S, S, 3]"""
    facts: dict[str, Any]
    """Of the end, before the camera was closed."""
    errors: list[tuple[str, str, float]]
    """(type, message, stream time in s) of every error."""
    empty_reads: int
    opened_s: list[float]
    """Stream times at which an `open` succeeded."""
    cpu_s: float
    """CPU time of the reading alone."""
    origin_ns: int
    """Monotonic time of stream time 0."""


def watch(
    address: str,
    folder: Path,
    env: dict[str, str] | None = None,
    *,
    seconds: float = 1.5,
    timeout_s: float = 0.2,
    busy_s: float = 0.0,
    reopen: bool = False,
    origin_ago_s: float = 0.0,
    **wishes: Any,
) -> Watched:
    """Watch `address` for `seconds`; `busy_s`: work after a read; `origin_ago_s`: how long stream time runs already."""
    task = {
        "address": address,
        "folder": str(folder),
        "seconds": seconds,
        "timeout_s": timeout_s,
        "busy_s": busy_s,
        "reopen": reopen,
        "origin_ago_s": origin_ago_s,
        "wishes": wishes,
    }
    command = [sys.executable, "-m", "tests.capture.camera_child", json.dumps(task)]
    done = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "a library wrote on the terminal: " + done.stderr
    report = json.loads(done.stdout)
    frames = [Seen(*frame) for frame in report.pop("frames")]
    return Watched(frames, np.load(folder / "images.npy"), **report)


def watch_undisturbed(*args: Any, lost: int = 0, **kwargs: Any) -> Watched:
    """As `watch`, once more (at most four times) when other programs kept the child from taking every frame in time.

    `lost`: the frames that the camera itself loses.
    """
    for _ in range(4):
        seen = watch(*args, **kwargs)
        if seen.facts["dropped"] == 0 and seen.facts["lost"] == lost:
            break
    return seen


def _main(task: dict[str, Any]) -> None:
    origin_ns = time.monotonic_ns() - round(task["origin_ago_s"] * 1e9)
    wishes = task["wishes"]
    latency_ms = wishes.pop("latency_ms", 0.0)
    sensor = open_camera(task["address"], WindowSpec(frame_size_px=SIZE_PX), CameraWish(**wishes), latency_ms)
    frames: list[Seen] = []
    images: list[NDArray[np.uint8]] = []
    errors: list[tuple[str, str, float]] = []
    opened: list[float] = []
    empty, is_open = 0, False
    cpu_start = time.process_time()
    end_s = time.monotonic() + task["seconds"]
    while time.monotonic() < end_s:
        try:
            if not is_open:
                sensor.open(origin_ns)
                is_open = True
                opened.append((time.monotonic_ns() - origin_ns) / 1e9)
            got = sensor.read(task["timeout_s"])
        except EgoactError as error:
            is_open = False
            errors.append((type(error).__name__, str(error), (time.monotonic_ns() - origin_ns) / 1e9))
            if not task["reopen"] or not isinstance(error, DeviceLostError):
                break
            time.sleep(0.05)
            continue
        now_ns = time.monotonic_ns() - origin_ns
        frames += [Seen(frame.tick, frame.t_ns, now_ns) for frame in got]
        images += [frame.image for frame in got]
        empty += not got
        time.sleep(task["busy_s"])
    cpu_s = time.process_time() - cpu_start
    facts = sensor.facts()._asdict()
    sensor.close()
    sensor.close()
    np.save(Path(task["folder"]) / "images.npy", np.array(images))
    report = {"frames": frames, "facts": facts, "errors": errors, "empty_reads": empty, "opened_s": opened}
    print(json.dumps({**report, "cpu_s": cpu_s, "origin_ns": origin_ns}))


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
