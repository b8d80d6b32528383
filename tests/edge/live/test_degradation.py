"""Sensors come and go; labels go on with what is left. Every process is real, only the devices are made up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle
from edge.contract import Snapshot
from edge.live.lateness import LEAST_NS
from edge.live.messages import Mask, Threshold
from edge.live.plan import LivePlan
from tests.edge.live.running import Live, hears, live, rows, sees, sensor, sensor_plans
from tests.tiny_bundle import make_bundle

LEAST_MS = LEAST_NS / 1e6
"""Labels that wait for somebody wait at least so long."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def control(tmp_path: Path) -> Path:
    folder = tmp_path / "control"
    folder.mkdir()
    return folder


@pytest.fixture
def run(bundle: Bundle, control: Path) -> Iterator[Live]:
    """A run in which both sensors give labels."""
    with live(LivePlan(bundle, sensor_plans(bundle, control), threads=1), control) as running:
        running.until(lambda s: sees(s) and hears(s))
        yield running


@pytest.fixture(scope="module")
def shared_run(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One for all tests that leave it as they found it and count nothing."""
    folder = tmp_path_factory.mktemp("control")
    with live(LivePlan(bundle, sensor_plans(bundle, folder), threads=1), folder) as running:
        running.until(lambda s: sees(s) and hears(s))
        yield running


def label_of(snapshot: Snapshot) -> str:
    assert snapshot.prediction is not None
    return snapshot.prediction.label


def events(snapshot: Snapshot, word: str) -> list[str]:
    return [event for event in snapshot.events if word in event]


def test_unplugged_camera_and_back(run: Live) -> None:
    """Labels never stop; within 2 s of the device's return they see again. One line for each change."""
    run.fault("camera-unplugged")
    blind = run.until(lambda s: hears(s) and not sees(s))
    assert sensor(blind, "video").state == "lost"
    assert "unplugged" in sensor(blind, "video").reason
    assert blind.prediction is not None
    assert np.isnan(blind.prediction.probabilities[1]).all()
    assert not blind.prediction.blind
    assert run.shortest_wait_ms() < LEAST_MS, "sound alone must not wait for a camera that is gone"
    returned_s = time.monotonic()
    run.mend("camera-unplugged")
    again = run.until(sees)
    assert time.monotonic() - returned_s < 2.0 + 1.0, "a second for a busy machine"
    assert sensor(again, "video").restarts == 1
    assert label_of(again) in ("red", "green")
    assert len(events(again, "camera lost")) == 1
    assert len(events(again, "camera runs again")) == 1


def test_microphone_lost_and_back(run: Live) -> None:
    run.fault("microphone-unplugged")
    deaf = run.until(lambda s: sees(s) and not hears(s))
    assert sensor(deaf, "audio").state == "lost"
    assert label_of(deaf) in ("red", "green")
    assert run.shortest_wait_ms() < LEAST_MS, "pictures alone must not wait for a microphone that is gone"
    run.mend("microphone-unplugged")
    assert sees(run.until(hears))


def test_both_gone_gives_no_label_and_says_so_once(run: Live) -> None:
    run.fault("camera-unplugged")
    run.fault("microphone-unplugged")
    gone = run.until(lambda s: s.prediction is not None and s.prediction.blind)
    later = run.until(lambda s: rows(s) >= rows(gone) + 3)
    assert later.open_segment is None
    run.mend("camera-unplugged")
    run.mend("microphone-unplugged")
    again = run.until(lambda s: sees(s) and hears(s))
    assert len(events(again, "nothing to see or hear")) == 1
    assert len(events(again, "labels again")) == 1


def test_an_open_camera_that_gives_nothing_is_stalled_within_a_second(shared_run: Live) -> None:
    run = shared_run
    begun_s = time.monotonic()
    run.fault("camera-stalled")
    stalled = run.until(lambda s: sensor(s, "video").state == "stalled")
    assert time.monotonic() - begun_s < 1.0 + 0.5, "half a second for a busy machine"
    run.until(lambda s: rows(s) >= rows(stalled) + 2)
    run.mend("camera-stalled")
    run.until(sees)


def test_a_hung_read_costs_its_process_and_nothing_else(run: Live) -> None:
    """What cannot be interrupted is killed; the microphone and inference do not notice."""
    before = run.supervisor.pids
    begun_s = time.monotonic()
    run.fault("camera-hung")
    run.until(lambda s: sensor(s, "video").state == "stalled")
    assert time.monotonic() - begun_s < 1.0 + 0.5
    run.until(lambda s: sensor(s, "video").state == "lost")
    assert run.shortest_wait_ms() < LEAST_MS, "the dead cannot say that nothing comes: the guard must"
    run.mend("camera-hung")
    run.until(lambda s: sees(s) and hears(s) and sensor(s, "video").state == "running")
    after = run.supervisor.pids
    assert before["camera"] != after["camera"]
    assert (before["microphone"], before["inference"]) == (after["microphone"], after["inference"])


def test_killed_sensor_processes_are_replaced(run: Live) -> None:
    before = run.supervisor.pids
    for name in ("camera", "microphone"):
        os.kill(before[name], signal.SIGKILL)
    again = run.until(
        lambda s: (sensor(s, "video").restarts, sensor(s, "audio").restarts) == (1, 1) and sees(s) and hears(s)
    )
    assert len(events(again, "killed by signal 9")) == 2
    assert set(before.values()) & set(run.supervisor.pids.values()) == {before["inference"]}


def test_inference_that_stood_still_skips_rows_and_takes_the_newest(shared_run: Live) -> None:
    """Capture does not wait: what came meanwhile is skipped and counted, not queued."""
    run = shared_run
    before = run.supervisor.latest()
    os.kill(run.supervisor.pids["inference"], signal.SIGSTOP)
    time.sleep(3.0)
    os.kill(run.supervisor.pids["inference"], signal.SIGCONT)
    after = run.until(lambda s: rows(s) >= rows(before) + 4)
    assert after.telemetry.skipped_rows >= before.telemetry.skipped_rows + 3
    assert after.telemetry.dropped_frames > before.telemetry.dropped_frames
    assert after.prediction is not None
    assert after.prediction.label_age_ms < 1000
    assert len(events(run.until(lambda s: events(s, "rows are skipped")), "rows are skipped")) == 1


def test_without_a_microphone(bundle: Bundle, control: Path) -> None:
    camera, _ = sensor_plans(bundle, control)
    with live(LivePlan(bundle, (camera,), threads=1), control) as run:
        assert not hears(run.until(sees))
        assert [s.modality for s in run.supervisor.latest().sensors] == ["video"]


def test_sound_alone(bundle: Bundle, control: Path) -> None:
    """The video engine is not run on pictures that nobody took."""
    _, microphone = sensor_plans(bundle, control)
    with live(LivePlan(bundle, (microphone,), threads=1), control) as run:
        heard = run.until(hears)
    assert heard.prediction is not None
    assert "video" not in heard.prediction.stage_ms
    assert heard.prediction.label == "idle"


def test_a_default_microphone_that_is_not_there_is_no_reason_to_stop(bundle: Bundle, control: Path) -> None:
    (control / "microphone-refused").touch()
    with live(LivePlan(bundle, sensor_plans(bundle, control, required=False), threads=1), control) as run:
        seen = run.until(lambda s: sees(s) and sensor(s, "audio").state == "off")
        assert "PortAudio is not installed" in sensor(seen, "audio").reason


@pytest.mark.parametrize("fault", ["camera-unplugged", "camera-refused", "microphone-unplugged"])
def test_a_device_that_was_asked_for_must_be_there_at_the_start(bundle: Bundle, control: Path, fault: str) -> None:
    (control / fault).touch()
    with live(LivePlan(bundle, sensor_plans(bundle, control), threads=1), control) as run:
        assert run.supervisor.wait(20)
    assert run.supervisor.error is not None
    assert fault.partition("-")[0] in str(run.supervisor.error)


def test_a_sensor_that_cannot_even_be_made_ends_the_run_with_its_last_words(bundle: Bundle, control: Path) -> None:
    camera, microphone = sensor_plans(bundle, control)
    broken = replace(camera, factory="tests.edge.live.synthetic:NoSuchCamera")
    with live(LivePlan(bundle, (broken, microphone), threads=1), control) as run:
        assert run.supervisor.wait(20)
    assert "NoSuchCamera" in str(run.supervisor.error)


def test_what_the_user_takes_from_the_model_is_neither_seen_nor_heard(shared_run: Live) -> None:
    run = shared_run
    run.supervisor.ask(Mask(frozenset({"video"})))
    masked = run.until(lambda s: hears(s) and not sees(s))
    assert masked.masked == {"video"}
    assert sensor(masked, "video").state == "running"
    run.supervisor.ask(Mask(frozenset()))
    run.until(sees)


def test_the_threshold_can_be_set(shared_run: Live) -> None:
    run = shared_run
    run.supervisor.ask(Threshold(0.9))
    assert run.until(lambda s: s.threshold == 0.9)


def test_the_picture_comes_from_the_shared_ring(shared_run: Live) -> None:
    image = shared_run.supervisor.picture()
    assert image is not None
    assert sorted(image[0, 0].tolist()) == [0, 0, 255]
