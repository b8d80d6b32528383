"""A flash and a click at the same moment, through a camera's and a sound card's real system calls, agree in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.capture.pulse import PulseServer
from tests.capture.shim import DEVICE, shim_env, write_frames, yuyv_frames

FLASH_FRAME = 29
"""Of a loop of 30 frames: due one second after the camera began to stream, and every second from then on."""


@pytest.fixture(scope="module")
def flashes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of darkness with a flash of three frames, 320x180 at 30 Hz."""
    pictures = [np.full((180, 320, 3), 200 if number in (FLASH_FRAME, 0, 1) else 40, np.uint8) for number in range(30)]
    return write_frames(tmp_path_factory.mktemp("flash") / "frames", yuyv_frames(pictures))


def _child(
    arguments: Sequence[str], frames: Path, timeout_s: float = 90, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **shim_env(frames, "YUYV:320x180@30"), **env},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


@pytest.mark.parametrize("drift_ppm", [0.0, 200.0])
def test_picture_and_sound_agree_within_20_ms(drift_ppm: float, flashes: Path, pulse_server: PulseServer) -> None:
    with pulse_server.emitter(click_every_s=1.0, drift_ppm=drift_ppm):
        done = _child(["tests.capture.av_child", DEVICE, pulse_server.device, "6.5"], flashes)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    began_s, open_s = told["opened_s"]
    flashes_s, clicks_s = np.array(told["flashes_s"]), np.array(told["clicks_s"])
    flashes_s = flashes_s[flashes_s > began_s + 0.5]  # without the edge of the very first frame
    assert len(flashes_s) >= 5
    # The flash is due k seconds after the camera began to stream, the click at every full second of the clock.
    click_errors_s = np.mod(clicks_s + told["origin_s"] + 0.5, 1.0) - 0.5
    number = np.round(flashes_s - began_s)
    flash_errors_s = np.array([flashes_s - number - began_s, flashes_s - number - open_s])
    disagreement_ms = (flash_errors_s.mean(axis=1) - np.median(click_errors_s)) * 1e3
    print(f"\npicture - sound between {disagreement_ms.min():+.1f} and {disagreement_ms.max():+.1f} ms")
    assert np.abs(disagreement_ms).max() < 20
    assert (np.ptp(flash_errors_s[0]) + np.ptp(click_errors_s[-5:])) * 1e3 < 10
    # calibrate-av puts a flash in the middle between two frames: these flashes, at the second one, lie 17 ms before it.
    apart_ms = (np.mod(np.median(flashes_s[-5:] - clicks_s[-5:]) + 0.5, 1.0) - 0.5) * 1e3
    assert told["offset"]["offset_ms"] == pytest.approx(apart_ms - 1000 / 60, abs=8)


def test_the_command_keeps_the_offset_of_the_pair(flashes: Path, pulse_server: PulseServer, tmp_path: Path) -> None:
    arguments = ["edge.cli", "calibrate-av", "--camera", DEVICE, "--mic", pulse_server.device]
    with pulse_server.emitter(click_every_s=1.0):
        done = _child(
            [*arguments, "--seconds", "12", "--pairs", "4", "--json"], flashes, XDG_CONFIG_HOME=str(tmp_path / "config")
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    kept = json.loads((tmp_path / "config" / "egoact" / "av_offsets.json").read_text())
    (entry,) = kept["offsets"]
    assert (entry["camera"], entry["microphone"]) == (told["camera"], told["microphone"])
    assert entry["microphone"] == pulse_server.device
    assert entry["offset_ms"] == pytest.approx(told["offset_ms"], abs=0.01)
    assert entry["pairs"] >= 4
    assert entry["spread_ms"] < 10


def test_a_microphone_that_is_not_there_is_one_line(flashes: Path, pulse_server: PulseServer) -> None:
    done = _child(["edge.cli", "calibrate-av", "--camera", DEVICE, "--mic", "nonesuch"], flashes)
    assert done.returncode == 1
    assert (
        done.stderr == "egoact calibrate-av: microphone 'nonesuch': not found, or used by "
        "another program; 'egoact devices' lists the microphones\n"
    )
