from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import EgoactError
from edge.score import score_run
from edge.sinks import JsonlSink
from tests.edge.snapshots import HOP_NS, LABELS, prediction, run_result, seconds, truth_segments


def lines(path: Path) -> list[dict[str, object]]:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def test_a_prediction_line(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    sink.start("kitchen.mp4")
    sink.prediction(prediction(2, "drill", confidence=0.75, audio_label="cut", age_ms=180.04), LABELS)
    sink.close()
    (line,) = lines(tmp_path / "out.jsonl")
    top = line.pop("all")
    assert isinstance(top, list)
    assert [entry["label"] for entry in top] == ["drill", "scrape", "shake", "fold", "open"]
    assert top[0]["probability"] == 0.75
    assert line == {
        "type": "prediction",
        "clip": "kitchen.mp4",
        "row": 2,
        "start_s": 1.067,
        "end_s": 1.6,
        "start_ns": 2 * HOP_NS,
        "end_ns": 3 * HOP_NS,
        "clip_end_ns": 2 * HOP_NS + 2_133_333_333,
        "label": "drill",
        "confidence": 0.75,
        "unknown": False,
        "video": {"label": "drill", "probability": 0.75},
        "audio": {"label": "cut", "probability": 0.75},
        "video_coverage": 1.0,
        "audio_coverage": 1.0,
        "label_age_ms": 180.0,
        "stage_ms": {"wait": 4.0, "video": 96.0, "fbank": 3.0, "audio": 31.0, "head": 0.6, "decide": 0.1},
    }


def test_what_is_missing_is_null(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    nothing = replace(prediction(0, "cut", audio=False), confidence=float("nan"))
    nothing.probabilities[0] = np.nan
    sink.prediction(nothing, LABELS)
    sink.close()
    (line,) = lines(tmp_path / "out.jsonl")
    assert (line["all"], line["audio"], line["confidence"]) == (None, None, None)
    assert line["video"] == {"label": "cut", "probability": 0.72}


def test_segment_and_run_lines(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    result = run_result(audio=False)
    sink.start("a\nb.mp4")
    sink.segment(seconds(1.0004, 2.5, "cut", 0.81234567))
    sink.run(result, score_run(result, truth_segments()))
    sink.start("c.mp4")
    sink.run(replace(result, telemetry=replace(result.telemetry, label_age_ms=None)))
    sink.close()
    segment, scored, unscored = lines(tmp_path / "out.jsonl")
    assert segment == {
        "type": "segment", "clip": "a\nb.mp4", "start_s": 1.0, "end_s": 2.5, "start_ns": 1_000_400_000,
        "end_ns": 2_500_000_000, "label": "cut", "confidence": 0.8123, "state": "closed",
    }  # fmt: skip
    assert scored["type"] == "run"
    assert scored["frames"] == {"captured": 1800, "used": 1800, "dropped": 0}
    assert scored["notes"] == ["no audio track: labels come from the picture alone"]
    assert isinstance(scored["score"], dict)
    assert (unscored["clip"], unscored["score"], unscored["label_age_ms"]) == ("c.mp4", None, None)


def test_every_line_is_there_before_the_next_is_written(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    for count in (1, 2, 3):
        sink.segment(seconds(0, 1, "cut"))
        assert len(lines(tmp_path / "out.jsonl")) == count
    sink.close()


def test_a_full_disk_is_one_error_and_the_run_goes_on() -> None:
    errors: list[EgoactError] = []
    sink = JsonlSink("/dev/full", errors.append)
    for _ in range(3):
        sink.segment(seconds(0, 1, "cut"))
    sink.close()
    assert sink.failed_lines == 3
    assert [str(error) for error in errors] == [str(sink.error)]
    assert str(sink.error).startswith("/dev/full: results cannot be written: No space left on device")
    assert "\n" not in str(sink.error)


def test_a_path_that_cannot_be_opened_is_one_error(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "no" / "such" / "folder.jsonl")
    sink.segment(seconds(0, 1, "cut"))
    sink.close()
    sink.close()
    assert isinstance(sink.error, EgoactError)
    assert sink.failed_lines == 1


def test_after_a_torn_line_the_next_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge import sinks

    class NearlyFull(sinks.FileIO):
        """Takes ten bytes of the second line, then reports a full disk; there is room again for the third."""

        calls = 0

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.calls += 1
            if self.calls == 2:
                return super().write(data[:10])
            if self.calls == 3:
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(sinks, "FileIO", NearlyFull)
    sink = JsonlSink(tmp_path / "out.jsonl")
    for label in ("cut", "pour", "mix"):
        sink.segment(seconds(0, 1, label))
    sink.close()
    first, torn, third = (tmp_path / "out.jsonl").read_text().splitlines()
    assert (json.loads(first)["label"], len(torn), json.loads(third)["label"]) == ("cut", 10, "mix")
    assert sink.failed_lines == 1


def test_appending_keeps_what_is_there_and_ends_a_torn_line_first(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"type": "run"}\n{"type": "predic')
    sink = JsonlSink(file, append=True)
    sink.start("live")
    sink.started(1_700_000_000_250_000_000)
    sink.event(1_500_000_000, "camera lost")
    sink.close()
    first, torn, *others = file.read_text().splitlines()
    assert (first, torn) == ('{"type": "run"}', '{"type": "predic')
    assert [json.loads(line) for line in others] == [
        {"type": "start", "clip": "live", "unix_s": 1_700_000_000.25},
        {"type": "event", "clip": "live", "t_s": 1.5, "t_ns": 1_500_000_000, "text": "camera lost"},
    ]
