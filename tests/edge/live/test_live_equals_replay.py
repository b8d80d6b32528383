"""The same material live and replayed: the same rows, the same probabilities, the same labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.demo import DEMO
from edge.engines.load import load_engines
from edge.live.plan import LivePlan, SensorPlan
from edge.pipeline import Pipeline
from edge.precision import choose, temperature
from edge.recognizer import Recognizer
from edge.sinks import JsonlSink
from edge.sources.replay import ReplaySource
from tests.edge.live.running import live, rows

SECONDS = 7
ALIGNED = 48
"""Ticks: rows and whole samples begin at every multiple."""
MODULE = "tests.edge.live.clip_devices"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(SHIPPED)


def replayed(clip: Path, bundle: Bundle, jsonl: Path) -> Iterator[dict[str, Any]]:
    precisions = choose(bundle, "f32")
    engines = load_engines(bundle, precisions, threads=1)
    recognizer = Recognizer(bundle, engines, temperature=temperature(bundle, precisions))
    sink = JsonlSink(jsonl)
    Pipeline(ReplaySource(clip, bundle.window), recognizer, pace="fast", sinks=[sink]).run()
    sink.close()
    return predictions(jsonl)


def predictions(jsonl: Path) -> Iterator[dict[str, Any]]:
    lines = (json.loads(line) for line in jsonl.read_text().splitlines())
    return (line for line in lines if line["type"] == "prediction")


def test_live_says_what_replay_says(bundle: Bundle, tmp_path: Path) -> None:
    """Rows whose clip lies within the material; live has a camera that is 40 ms and a microphone that is 15 ms late."""
    clip, go, spec = min(DEMO.glob("*.mp4")), tmp_path / "go", bundle.window
    sensors = (
        SensorPlan("video", "clip", f"{MODULE}:ClipCamera", (clip, spec, go, 0.040)),
        SensorPlan("audio", "clip", f"{MODULE}:ClipMicrophone", (clip, spec, go, 0.015)),
    )
    plan = LivePlan(bundle, sensors, threads=1, precision="f32", jsonl=tmp_path / "live.jsonl")
    with live(plan, tmp_path) as run:
        now = run.until(lambda s: rows(s) >= 2)
        start_tick = (now.stream_ns * spec.frame_rate_hz // 10**9 // ALIGNED + 2) * ALIGNED
        (tmp_path / "go.new").write_text(str(start_tick))
        (tmp_path / "go.new").rename(go)
        end_ns = spec.tick_ns(start_tick) + (SECONDS + 2) * 10**9
        run.until(lambda s: s.prediction is not None and s.prediction.clip_end_ns > end_ns)
    assert run.supervisor.result is not None
    assert run.supervisor.result.telemetry.skipped_rows == 0
    shift_ns = spec.tick_ns(start_tick)
    said = {line["end_ns"] - shift_ns: line for line in predictions(tmp_path / "live.jsonl")}
    compared = 0
    for line in replayed(clip, bundle, tmp_path / "replay.jsonl"):
        # The first two rows of a replay have no clip before them; live has the dark.
        if line["row"] < 2 or line["end_ns"] > SECONDS * 10**9:
            continue
        same = said[min(said, key=lambda end_ns: abs(end_ns - line["end_ns"]))]
        assert same["label"] == line["label"]
        assert same["video_coverage"] == same["audio_coverage"] == 1.0
        for mode in ("video", "audio"):
            assert same[mode]["label"] == line[mode]["label"]
            assert same[mode]["probability"] == pytest.approx(line[mode]["probability"], abs=2e-3)
        for one, other in zip(same["all"], line["all"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=2e-3)
        compared += 1
    assert compared >= 10
