"""The list of devices on real system calls: the V4L2 shim's camera and PulseAudio's virtual microphone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.capture.conftest import pulse_server
from tests.capture.pulse import PulseServer
from tests.capture.shim import shim_env, write_frames
from tests.edge.fake_machine import usb_camera

__all__ = ["pulse_server"]

LIST = """
import json, sys
from pathlib import Path
from edge.devices.ask import ask
from edge.devices.cameras import list_cameras
from edge.devices.command import camera_data
print(json.dumps([camera_data(camera) for camera in list_cameras(Path(sys.argv[1]), ask)]))
"""


def child(*words: object, env: dict[str, str]) -> Any:
    """What a Python process prints as JSON."""
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "frames", [b"any"])


def listed(root: Path, env: dict[str, str]) -> Any:
    return child("-c", LIST, usb_camera(root), env=env)


def test_formats_sizes_and_rates_of_a_camera(tmp_path: Path, frames: Path) -> None:
    modes = {"YUYV:640x360@30": frames, "MJPG:1280x720@30": frames, "MJPG:1280x720@60": frames}
    camera = listed(tmp_path / "root", shim_env(modes))[0]
    assert camera["kind"] == "capture"
    assert camera["problem"] is None
    found = {(f["fourcc"], m["width_px"], m["height_px"], m["rate_hz"]) for f in camera["formats"] for m in f["modes"]}
    assert found == {("YUYV", 640, 360, 30.0), ("MJPG", 1280, 720, 30.0), ("MJPG", 1280, 720, 60.0)}


def test_a_camera_that_this_user_may_not_open(tmp_path: Path, frames: Path) -> None:
    camera = listed(tmp_path / "root", shim_env(frames, fault="denied"))[0]
    assert camera["kind"] == "unknown"
    assert "usermod -aG video" in camera["problem"]


def test_the_virtual_microphone_with_its_own_rate(pulse_server: PulseServer) -> None:
    data = child("-m", "edge.cli", "devices", "--json", env={})
    assert data["microphone_problem"] is None
    rates = {microphone["name"]: microphone["rate_hz"] for microphone in data["microphones"]}
    assert rates, data
    assert 48_000 in rates.values()
