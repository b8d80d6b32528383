"""What a live run puts on disk when asked: a flagged moment that replays as it was, a recording, else nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import pytest

from edge.bundle import Bundle, load_bundle
from edge.contract import Snapshot
from edge.engines.load import load_engines
from edge.live.messages import Flag, Note
from edge.live.plan import LivePlan
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.recording.agreement import compare_with_live, moment_clip
from edge.sources.replay import ReplaySource
from tests.edge.live.running import hears, live, sees, sensor_plans
from tests.tiny_bundle import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def plan(bundle: Bundle, tmp_path: Path) -> LivePlan:
    (tmp_path / "control").mkdir()
    sensors = sensor_plans(bundle, tmp_path / "control")
    return LivePlan(bundle, sensors, threads=1, moments=tmp_path / "moments")


def says(word: str, snapshot: Snapshot) -> bool:
    return any(word in event for event in snapshot.events)


def test_a_flagged_moment_replays_as_it_was(plan: LivePlan, tmp_path: Path) -> None:
    with live(plan, tmp_path / "control") as running:
        running.until(lambda s: sees(s) and hears(s) and s.telemetry.rows > 6)
        running.supervisor.ask(Flag())
        shown = running.until(lambda s: says("moment saved", s))
        assert shown.recording is None
    (folder,) = plan.moments.iterdir()
    assert any(str(folder) in event for event in shown.events)
    bundle = load_bundle(plan.bundle.path)
    recognizer = Recognizer(bundle, load_engines(bundle), temperature=bundle.temperatures["f32"])
    source = ReplaySource(moment_clip(folder), bundle.window, "fast")
    agreement = compare_with_live(folder, Pipeline(source, recognizer, pace="fast").run())
    assert agreement.rows >= 4
    assert (agreement.feature_difference, agreement.equal_labels) == (0.0, agreement.labels)


def test_a_moment_that_cannot_be_saved_is_an_event_and_the_run_goes_on(plan: LivePlan, tmp_path: Path) -> None:
    plan.moments.touch()
    with live(plan, tmp_path / "control") as running:
        running.until(sees)
        running.supervisor.ask(Flag())
        rows = running.until(lambda s: says("not saved", s)).telemetry.rows
        running.until(lambda s: s.telemetry.rows > rows)


def test_a_recording_is_written_and_shown(plan: LivePlan, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    with live(replace(plan, record=folder), tmp_path / "control") as running:
        shown = running.until(lambda s: sees(s) and s.telemetry.rows > 4)
        assert shown.recording is not None
        assert shown.recording.writing
    (file,) = folder.iterdir()
    with av.open(str(file)) as clip:
        assert sorted(stream.type for stream in clip.streams) == ["audio", "video"]
        assert sum(1 for _ in clip.decode(video=0)) > 32
    assert not plan.moments.exists()


def test_a_moment_flagged_just_before_the_end_is_saved_and_said_before_the_last_line(
    plan: LivePlan, tmp_path: Path
) -> None:
    jsonl = tmp_path / "labels.jsonl"
    with live(replace(plan, jsonl=jsonl), tmp_path / "control") as running:
        running.until(lambda s: sees(s) and s.telemetry.rows > 3)
        running.supervisor.ask(Flag())
        running.supervisor.ask(Note("asked"))
        running.until(lambda s: says("asked", s) and s.telemetry.rows > 4)
    assert len(list(plan.moments.iterdir())) == 1
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    said = [place for place, line in enumerate(lines) if "moment saved" in line.get("text", "")]
    assert len(said) == 1
    assert lines[-1]["type"] == "run"
