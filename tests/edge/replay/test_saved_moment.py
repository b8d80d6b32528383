"""`egoact replay FOLDER` of a saved moment: the replay, and what it has in common with the live run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.bundle import load_bundle
from edge.cli import main
from edge.engines.load import load_engines
from edge.recognizer import Recognizer
from edge.recording.moment import Moment, save_moment
from tests.edge.recording.streams import noisy_stream, run_live
from tests.tiny_bundle import LABELS, SPEC, make_bundle

TICKS = 160


def test_a_moment_is_replayed_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_bundle(tmp_path / "tiny").path
    engines = load_engines(load_bundle(path), threads=1)
    live = run_live(Recognizer(load_bundle(path), engines, temperature=1.0), *noisy_stream(SPEC, TICKS), TICKS)
    engines.close()
    folder = save_moment(
        tmp_path / "2026-11-25 moment",
        Moment(
            spec=SPEC,
            labels=LABELS,
            frames=live.frames,
            sound=live.sound,
            rows=live.result.rows,
            predictions=live.result.predictions,
            telemetry={"bundle": "tiny", "devices": ["camera"], "power_mw": None},
        ),
    )
    words = ["replay", str(folder), "--bundle", str(path), "--threads", "1", "--report", str(tmp_path / "report")]
    for _ in range(2):  # a moment is played each time: what the store keeps is not enough to compare
        assert main(words) == 0
        out = capsys.readouterr().out
        assert "2026-11-25 moment" in out
        equal, judged = re.search(r"as live: (\d+) of (\d+) labels equal, features equal", out).groups()  # type: ignore[union-attr]
        assert equal == judged != "0"
