"""Live on the real capture paths, without hardware: V4L2 through the shim, PortAudio through a sound server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import SHIPPED, load_bundle
from edge.live.plan import LivePlan, camera_plan, microphone_plan
from tests.capture.pulse import PulseServer
from tests.capture.shim import DEVICE, jpeg_frames, shim_env, write_frames
from tests.edge.live.running import Live, hears, live, rows, sees, sensor

RECOVERY_S = 2.0
BUSY_S = 1.5
"""What a machine that others keep busy may add."""


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[PulseServer]:
    folder = tmp_path / "pulse"
    folder.mkdir()
    with PulseServer(folder) as server, server.emitter(click_every_s=0.5):
        yield server


@pytest.fixture
def run(tmp_path: Path, sound: PulseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The shipped bundle on a camera at /dev/video0 and the sound server's microphone."""
    control = tmp_path / "control"
    control.mkdir()
    pictures = [np.random.default_rng(n).integers(0, 255, (6, 8, 3), np.uint8) for n in range(30)]
    big = [np.ascontiguousarray(picture.repeat(40, 0).repeat(40, 1)) for picture in pictures]
    film = write_frames(tmp_path / "film", jpeg_frames(big))
    for name, value in shim_env(film, "MJPG:320x240@30", control=control).items():
        monkeypatch.setenv(name, value)
    bundle = load_bundle(SHIPPED)
    sensors = (camera_plan(DEVICE, bundle.window), microphone_plan(sound.device, bundle.window))
    with live(LivePlan(bundle, sensors, threads=1, precision="f32"), control) as running:
        running.until(lambda s: sees(s) and hears(s), 40.0)
        yield running


def test_camera_and_microphone_give_labels_and_come_back(run: Live, sound: PulseServer) -> None:
    snapshot = run.until(lambda s: rows(s) >= 4)
    assert [s.state for s in snapshot.sensors] == ["running", "running"]
    assert "MJPG 320x240" in sensor(snapshot, "video").format
    assert sensor(snapshot, "audio").format.startswith("48000 Hz")
    assert snapshot.prediction is not None
    assert snapshot.telemetry.dropped_frames == 0

    run.fault("unplugged")
    blind = run.until(lambda s: hears(s) and not sees(s))
    assert sensor(blind, "video").state == "lost"
    run.mend("unplugged")
    returned_s = time.monotonic()
    run.until(sees)
    assert time.monotonic() - returned_s < RECOVERY_S + BUSY_S

    sound.kill()
    deaf = run.until(lambda s: sees(s) and not hears(s))
    assert sensor(deaf, "audio").state == "lost"
    sound.start()
    returned_s = time.monotonic()
    run.until(lambda s: sees(s) and hears(s))
    assert time.monotonic() - returned_s < RECOVERY_S + 4.0, "a sound server that starts anew takes its own time"


def test_a_camera_that_hangs_in_the_kernel_is_found_within_a_second_and_started_again(run: Live) -> None:
    begun_s = time.monotonic()
    run.fault("hung")
    run.until(lambda s: sensor(s, "video").state != "running")
    assert time.monotonic() - begun_s < 1.0 + BUSY_S
    run.until(lambda s: hears(s) and not sees(s))
    run.mend("hung")
    returned_s = time.monotonic()
    run.until(lambda s: sees(s) and hears(s))
    assert time.monotonic() - returned_s < RECOVERY_S + 2 * BUSY_S
