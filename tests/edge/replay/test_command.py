"""`egoact replay` as a user types it: output, exit codes, and one clear line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main
from tests.media import make_clip
from tests.tiny_bundle import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_bundle(tmp_path_factory.mktemp("bundle") / "tiny").path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "kitchen.mp4", seconds=5.0, audio="tone")


def replay(*words: object) -> int:
    return main(["replay", *map(str, words)])


def test_plain_output_closes_with_the_account_of_frames(
    bundle: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(clip, "--bundle", bundle, "--threads", 1) == 0
    out, err = capsys.readouterr()
    assert "150 captured = 150 used + 0 dropped" in out
    assert err == ""


def test_annotation_report_and_jsonl(
    bundle: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = tmp_path / "clips.csv"
    annotations.write_text("video,start_s,end_s,label\nkitchen.mp4,0.5,4.5,loud\n")
    jsonl, report = tmp_path / "out.jsonl", tmp_path / "report"
    words = (clip, "--bundle", bundle, "--annotations", annotations, "--jsonl", jsonl, "--report", report)
    assert replay(*words, "--threads", 1) == 0
    assert "segments    F1" in capsys.readouterr().out
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [line["type"] for line in lines].count("prediction") == 9
    assert lines[-1]["type"] == "run"
    assert lines[-1]["score"]["rows"]["audio"]["action_accuracy"] > 0.5
    assert (report / "report.md").is_file()
    assert list(report.glob("*.svg"))


def test_json_is_one_object_and_nothing_else(bundle: str, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(clip, "--bundle", bundle, "--json", "--threads", 1) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["clips"][0]["clip"] == "kitchen.mp4"
    assert data["clips"][0]["frames"] == {"captured": 150, "used": 150, "dropped": 0}


def test_real_pace_reports_the_label_age(bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = make_clip(tmp_path / "short.mp4", seconds=1.6)
    assert replay(short, "--bundle", bundle, "--pace", "realtime", "--threads", 1) == 0
    assert "label age" in capsys.readouterr().out


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    err = capsys.readouterr().err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.mp4", None), ("notes.mp4", b"just words\n" * 50), ("empty.mp4", b"")],
)
def test_what_is_no_clip_is_named(
    bundle: str, tmp_path: Path, name: str, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert replay(tmp_path / name, "--bundle", bundle) == 1
    assert name in one_line(capsys)


def test_truncated_clip_is_named(bundle: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert replay(cut, "--bundle", bundle) == 1
    assert "cut.mp4" in one_line(capsys)


def test_a_bad_clip_does_not_stop_the_others(
    bundle: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(tmp_path / "missing.mp4", clip, "--bundle", bundle, "--threads", 1) == 1
    out, err = capsys.readouterr()
    assert "150 captured" in out
    assert "missing.mp4" in err


def test_flipped_byte_and_newer_schema(tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_bundle(tmp_path / "b").path
    graph = folder / "head.onnx"
    data = bytearray(graph.read_bytes())
    data[100] ^= 1
    graph.write_bytes(bytes(data))
    assert replay(clip, "--bundle", folder) == 1
    assert "head.onnx: sha256" in one_line(capsys)
    manifest = folder / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": 2', '"schema_version": 9'))
    assert replay(clip, "--bundle", folder) == 1
    assert "schema version 9" in one_line(capsys)


@pytest.mark.parametrize(
    "words", [["--pace", "warp", "x.mp4"], [], ["x.mp4", "--threads", "0"], ["x.mp4", "--tui", "--json"]]
)
def test_wrong_use_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = replay(*words)
    except SystemExit as leave:
        code = leave.code  # type: ignore[assignment]
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_unknown_command_suggests_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repaly"]) == 2
    assert "'replay'" in one_line(capsys)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    from edge.cli import COMMANDS

    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("name", ["demo", "replay"])
def test_every_command_helps_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        main([name, "--help"])
    assert leave.value.code == 0
    assert f"egoact {name}" in capsys.readouterr().out.split("example:")[1]


def test_a_precision_without_temperature_is_refused(
    bundle: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(clip, "--bundle", bundle, "--precision", "bf16") == 1
    assert "egoact calibrate" in one_line(capsys)


def test_an_unwritable_result_file_does_not_stop_the_run(
    bundle: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(clip, "--bundle", bundle, "--jsonl", tmp_path / "no" / "out.jsonl", "--threads", 1) == 1
    out, err = capsys.readouterr()
    assert "150 captured" in out
    assert "out.jsonl" in err
