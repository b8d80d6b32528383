"""What the view shows of a live run: sensors and their state, what is kept from the model, the hop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.contract import Modality, Snapshot
from edge.sensor_status import SensorStatus
from edge.tui.columns import column_lines
from edge.tui.header import header_lines
from edge.tui.label import label_lines
from edge.tui.lines import text_of
from edge.tui.sensors import sensor_line
from edge.tui.telemetry import telemetry_lines
from tests.edge.snapshots import prediction, snapshot
from tests.edge.tui.screens import Controlled, staged

CAMERA = SensorStatus(
    "video", "HD Cam", "running", format="MJPG 1280x720 @ 30 Hz", lost=3, restarts=1, rate_hz=29.97, age_ms=(4, 9, 21)
)
MICROPHONE = SensorStatus("audio", "USB Mic", "running", format="48000 Hz, 1 channel", rate_hz=48_010, drift_ppm=12.4)
GONE = replace(MICROPHONE, state="lost", reason="unplugged")
LIVE = replace(snapshot(24.0), sensors=(CAMERA, MICROPHONE), threshold=0.5)


def line(sensor: SensorStatus, width: int = 100) -> str:
    return text_of([sensor_line(sensor, width)])


def test_a_running_sensor_shows_its_health() -> None:
    assert "running  30.0 Hz  3 lost  1 restarts  age 4 / 9 / 21 ms  MJPG 1280x720 @ 30 Hz, HD Cam" in line(CAMERA)
    assert "running  48.01 kHz  +12 ppm  48000 Hz, 1 channel, USB Mic" in line(MICROPHONE)


def test_a_sensor_that_is_gone_shows_why() -> None:
    assert line(GONE).split() == ["mic", "lost", "unplugged"]


@pytest.mark.parametrize("width", [20, 40, 200])
def test_sensor_lines_fit(width: int) -> None:
    endless = replace(CAMERA, device="x" * 500)
    assert all(len(line(sensor, width)) <= width for sensor in (endless, MICROPHONE, GONE))


def test_the_header_says_what_is_missing() -> None:
    def header(shown: Snapshot) -> str:
        return text_of(header_lines(shown, 120, paused=False))

    blind = replace(LIVE, prediction=prediction(40, "drill", audio=False, video=False))
    blind.prediction.probabilities[0] = np.nan  # type: ignore[union-attr]
    assert "● running  " in header(LIVE)
    assert "running, no microphone" in header(replace(LIVE, sensors=(CAMERA, GONE)))
    assert "nothing to see or hear" in header(blind)


def test_no_label_says_why() -> None:
    lost = replace(CAMERA, state="lost", reason="no such device")
    blind = replace(LIVE, sensors=(lost, GONE), prediction=prediction(40, "drill", audio=False, video=False))
    blind.prediction.probabilities[0] = np.nan  # type: ignore[union-attr]
    text = text_of(label_lines(blind, 100, 2))
    assert "no label" in text
    assert "drill" not in text
    assert "camera lost: no such device; microphone lost: unplugged" in text


def test_telemetry_has_the_hop_and_the_skipped_rows() -> None:
    slow = replace(LIVE, telemetry=replace(LIVE.telemetry, hop_factor=2, skipped_rows=7))
    text = text_of(telemetry_lines(slow, 100, 20))
    assert "7 rows skipped, hop x2" in text
    assert "at 50 %" in text
    assert "hop" not in text_of(telemetry_lines(LIVE, 100, 20))


@pytest.mark.parametrize(("masked", "index"), [("video", 1), ("audio", 2)])
def test_what_is_kept_from_the_model_is_said_in_its_column(masked: Modality, index: int) -> None:
    shown = replace(LIVE, masked=frozenset({masked}), prediction=prediction(40, "drill", **{masked: False}))
    assert "kept from the model" in text_of(column_lines(shown, index, 40, 10, titled=False))


async def test_keys_change_the_run() -> None:
    asked = Controlled()
    async with staged(LIVE, (120, 40), controls=asked) as stage:
        await stage.pilot.press("v", "a", "plus", "minus")
    assert asked.asked == [{"video"}, {"audio"}, 0.55, 0.45]


async def test_keys_that_would_do_nothing_are_not_offered() -> None:
    async with staged(LIVE, (160, 48)) as stage:
        await stage.pilot.press("v", "plus", "f")
        assert "v video" not in stage.text()
        assert "f flag" not in stage.text()
