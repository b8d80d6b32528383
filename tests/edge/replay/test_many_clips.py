"""Many clips: folders, results that are kept, precisions side by side, exports, other people's annotations, moments."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import edge.replay.player as player_module
from edge.bundle import Bundle, Thresholds, rewrite_manifest
from edge.cli import main
from edge.pipeline import Pipeline
from tests.media import make_clip
from tests.tiny_bundle import make_bundle

ANNOTATION = "video,start_s,end_s,label\na.mp4,0.5,3.5,loud\nb.mp4,1,2,red\n"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "a.mp4", seconds=4.0, audio="tone")
    make_clip(folder / "b.mp4", seconds=3.0)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = make_bundle(tmp_path / "bundle")
    return rewrite_manifest(made, temperatures={"f32": 1.0, "bf16": 1.0})


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Clips that really passed through the pipeline."""
    seen: list[str] = []

    def counted(source: object, *args: object, **kwargs: object) -> Pipeline:
        seen.append(source.clip)  # type: ignore[attr-defined]
        return Pipeline(source, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(player_module, "Pipeline", counted)
    return seen


def replay(bundle: Bundle, *words: object) -> int:
    return main(["replay", *map(str, words), "--bundle", str(bundle.path), "--threads", "1"])


def annotated(folder: Path, text: str = ANNOTATION) -> Path:
    path = folder / "annotation.csv"
    path.write_text(text)
    return path


def test_a_second_run_does_only_what_is_missing(bundle: Bundle, clips: Path, plays: list[str], tmp_path: Path) -> None:
    words = ("--annotations", annotated(tmp_path), "--report", tmp_path / "report")
    assert replay(bundle, clips / "a.mp4", *words) == 0
    assert replay(bundle, clips, *words) == 0
    assert plays == ["a.mp4", "b.mp4"]
    first = (tmp_path / "report" / "report.json").read_text()
    assert replay(bundle, clips, *words) == 0
    assert plays == ["a.mp4", "b.mp4"]
    assert (tmp_path / "report" / "report.json").read_text() == first


def test_what_changes_the_labels_is_played_again(bundle: Bundle, clips: Path, plays: list[str], tmp_path: Path) -> None:
    words = (clips / "a.mp4", "--report", tmp_path / "report")
    assert replay(bundle, *words) == 0
    rewrite_manifest(bundle, thresholds=Thresholds(on=0.6))
    assert replay(bundle, *words) == 0
    assert plays == ["a.mp4"] * 2
    for stored in (tmp_path / "report" / "runs").iterdir():
        stored.write_bytes(b"damaged")
    assert replay(bundle, *words) == 0
    assert plays == ["a.mp4"] * 3
    assert replay(bundle, clips / "a.mp4") == 0
    assert plays == ["a.mp4"] * 4


def test_the_order_of_the_clips_changes_no_figure(bundle: Bundle, clips: Path, tmp_path: Path) -> None:
    figures = []
    for turn, order in enumerate((("a.mp4", "b.mp4"), ("b.mp4", "a.mp4"))):
        report = tmp_path / str(turn)
        words = ("--annotations", annotated(tmp_path), "--report", report, "--label-age-ms", 50)
        assert replay(bundle, *(clips / name for name in order), *words) == 0
        figures.append(json.loads((report / "report.json").read_text())["precisions"]["f32"]["figures"])
    assert figures[0] == figures[1]
    assert figures[0]["label_age_ms"] == [50, 50, 50]


def test_precisions_side_by_side_and_exports_of_each(
    bundle: Bundle, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--annotations", annotated(tmp_path), "--export", tmp_path / "out", "--precision", "f32,bf16", "--json")
    assert replay(bundle, clips, *words) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data["precisions"]) == ["f32", "bf16"]
    assert [clip["clip"] for clip in data["precisions"]["bf16"]["clips"]] == ["a.mp4", "b.mp4"]
    for name in ("f32", "bf16"):
        assert {f.name for f in (tmp_path / "out" / name).iterdir()} == {
            "segments.csv", "a.vtt", "a.eaf", "b.vtt", "b.eaf",
        }  # fmt: skip


def test_other_peoples_words_are_mapped_and_counted(
    bundle: Bundle, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "map.csv"
    table.write_text("from,to\nmake noise,loud\n")
    epic = annotated(
        tmp_path,
        "video_id,start_timestamp,stop_timestamp,verb,noun\n"
        "a,00:00:00.50,00:00:03.50,make,noise\na,00:00:03.60,00:00:03.90,take,cup\n",
    )
    words = ("--annotations", epic, "--label-map", table, "--json")
    assert replay(bundle, clips / "a.mp4", *words) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["annotation"]["format"] == "EPIC-KITCHENS-100"
    assert data["annotation"]["renamed"] == [{"word": "make noise", "label": "loud", "actions": 1}]
    assert data["annotation"]["unmapped"] == {"take": 1}
    assert data["total"]["rows"]["audio"]["action_accuracy"] > 0.5


def test_a_stored_result_tells_the_same_lines(bundle: Bundle, clips: Path, tmp_path: Path) -> None:
    lines = []
    for turn in range(2):
        jsonl = tmp_path / f"{turn}.jsonl"
        assert replay(bundle, clips / "a.mp4", "--report", tmp_path / "report", "--jsonl", jsonl) == 0
        told = [json.loads(line) for line in jsonl.read_text().splitlines()]
        lines.append([[line for line in told if line["type"] == kind] for kind in ("prediction", "segment", "run")])
    assert lines[0] == lines[1]
    assert all(lines[0])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--precision", "f32,bf16", "--jsonl", "x"], "one precision at a time"),
        (["--label-map", "x"], "--label-map is for --annotations"),
        (["--label-age-ms", "-1"], "must be from 0"),
    ],
)
def test_wrong_use(bundle: Bundle, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(bundle, "a.mp4", *words) == 2
    assert reason in capsys.readouterr().err


def test_a_folder_that_holds_no_clip_is_named(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert replay(bundle, tmp_path / "empty") == 1
    assert "no video there" in capsys.readouterr().err


def test_segments_of_a_run_are_those_that_are_decided_again(bundle: Bundle, clips: Path) -> None:
    """The verification replays the decisions; with the bundle's thresholds they are the pipeline's own."""
    from edge.engines.load import load_engines
    from edge.recognizer import Recognizer
    from edge.sources.replay import ReplaySource
    from edge.verify.decisions import decide_again
    from edge.verify.emission import emission_times_ns

    engines = load_engines(bundle, threads=1)
    recognizer = Recognizer(replace(bundle, thresholds=Thresholds(on=0.4, off=0.3)), engines, temperature=4.0)
    for name in ("a.mp4", "b.mp4"):
        source = ReplaySource(clips / name, bundle.window)
        result = Pipeline(source, recognizer, pace="fast").run()
        said = decide_again(result, recognizer.bundle.thresholds, emission_times_ns(result))
        assert tuple(s.segment for s in said) == result.segments
    assert result.predictions
    engines.close()
