from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.bench.memory_growth import ProcessSample
from edge.bench.soak import judge, soak, verdict_lines
from edge.contract import Telemetry
from edge.demo import DEMO
from tests.tiny_bundle import make_bundle

FRAMES = Telemetry(captured_frames=1000, used_frames=990, dropped_frames=10, rows=60, label_age_ms=(20.0, 30.0, 40.0))


def hour(memory: Callable[[float], float] = lambda t_s: 100.0, descriptors: int = 9) -> list[ProcessSample]:
    rng = np.random.default_rng(0)
    return [ProcessSample(t, memory(t) + rng.normal(0, 0.1), descriptors) for t in np.arange(0.0, 3600.0, 2.0)]


def test_a_steady_run_has_no_problem() -> None:
    verdict = judge({"camera": hour(), "inference": hour()}, FRAMES, replaced=False)
    assert verdict.problems == ()
    assert verdict_lines(verdict)[-1] == "problems    none"
    assert "1000 captured = 990 used + 10 dropped" in "\n".join(verdict_lines(verdict))


def test_a_leak_is_named_with_its_interval() -> None:
    verdict = judge({"camera": hour(), "inference": hour(lambda t_s: 100 + t_s / 600)}, FRAMES, replaced=False)
    (problem,) = verdict.problems
    assert problem.startswith("memory of inference grows by 6.0 MB an hour [")


def test_descriptors_replacements_and_lost_frames_are_problems() -> None:
    leaking = [*hour()[:1000], *(s._replace(descriptors=12) for s in hour()[1000:])]
    lossy = Telemetry(captured_frames=1000, used_frames=990, dropped_frames=9)
    problems = judge({"camera": leaking, "inference": []}, lossy, replaced=True).problems
    assert problems == (
        "descriptors of camera grow from 9 to 12",
        "inference was never there to be measured",
        "a process was replaced",
        "captured is not used + dropped",
    )


@pytest.mark.slow
def test_the_real_processes_run_on_a_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, file = make_bundle(tmp_path / "tiny"), tmp_path / "soak.json"
    assert soak(bundle, min(DEMO.glob("*.mp4")), 8.0, "f32", 1, file) == 0
    data = json.loads(file.read_text())
    assert set(data["memory_mb"]) == {"camera", "microphone", "inference", "main"}
    assert data["captured_frames"] == data["used_frames"] + data["dropped_frames"]
    assert data["labels"] > 5
    assert "too short to tell" in capsys.readouterr().out
