from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.bench.candidate import Candidate
from edge.bench.cold_start import cold_start
from edge.bench.options import counts, delays_ms, duration_s, names
from edge.bench.text import WIDTH
from edge.bundle import Bundle, Choice, rewrite_manifest
from edge.cli import main
from edge.errors import EngineError, UsageError
from tests.tiny_bundle import make_bundle

QUICK = ["--threads", "1", "--seconds", "0.05", "--rounds", "3", "--no-cold"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle = make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    chosen = {"cpu": {"video": Choice("f32", "f32: the fastest that passes (1.0 ms)")}}
    return rewrite_manifest(bundle, selection=chosen)


def test_engines_are_measured_written_and_compared(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("a.json", "a.md", "a.svg")]
    options = [
        word
        for flag, file in zip(("--json", "--markdown", "--picture"), files, strict=True)
        for word in (flag, str(file))
    ]
    assert main(["bench", str(bundle.path), *QUICK, *options]) == 0
    printed = capsys.readouterr().out
    assert "chosen      video on cpu: f32: the fastest that passes (1.0 ms)" in printed
    assert max(len(line) for line in printed.splitlines()) <= WIDTH
    data = json.loads(files[0].read_text())
    assert [bench["engine"] for bench in data["engines"]] == ["video", "fbank", "audio", "head"]
    assert all(bench["total"]["runs"] >= 6 and len(bench["round_medians_ms"]) == 3 for bench in data["engines"])
    assert str(bundle.path) not in files[0].read_text(), "no path of this machine in what is shown around"
    assert files[1].read_text().startswith("# egoact bench: engines")
    assert files[2].read_text().startswith("<svg")
    assert main(["bench", str(bundle.path), *QUICK, "--engine", "head", "--compare", str(files[0])]) == 0
    assert "head cpu f32 1 threads" in capsys.readouterr().out


def test_a_sweep_has_a_line_for_every_combination(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    quick = [word if word != "1" else "1,2" for word in QUICK]
    command = ["bench", str(bundle.path), "--sweep", *quick, "--engine", "fbank", "--backend", "cpu,onnxruntime"]
    assert main(command) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fbank  ")]
    assert len([line for line in lines if " f32 " in line]) == 4


def test_the_pipeline_finds_what_was_injected(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """80 ms of real time: a busy machine may add to it, but takes nothing away."""
    file = tmp_path / "p.json"
    command = ["bench", str(bundle.path), "--pipeline", "--threads", "1", "--seconds", "4", "--inject", "fbank=80"]
    assert main([*command, "--json", str(file)]) == 0
    (found,) = json.loads(file.read_text())["pipeline"]
    assert found["injected_ms"] == {"fbank": 80.0}
    assert 80 <= found["ages"]["stages"]["fbank"]["median"] < 160
    assert found["ages"]["age"]["median"] >= 80
    assert found["captured_frames"] == found["used_frames"] + found["dropped_frames"]
    overload = found["overload"]
    assert overload["captured_frames"] == overload["used_frames"] + overload["dropped_frames"]
    assert overload["skipped_rows"] > 0
    printed = capsys.readouterr().out
    assert "made slower fbank by 80 ms, on purpose" in printed
    assert max(len(line) for line in printed.splitlines()) <= WIDTH


def test_a_cold_start_is_a_process_of_its_own(bundle: Bundle) -> None:
    found = cold_start(bundle.path, Candidate("head", "cpu", "f32", 1))
    assert found.load_s > 0
    assert found.first_ms > 0
    assert 0 <= found.memory_mb < found.peak_mb
    assert found.device_memory_mb is None


def test_a_cold_start_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"engine head: failed in a process of its own: .*bundle"):
        cold_start(tmp_path / "none", Candidate("head", "cpu", "f32", 1))


@pytest.mark.parametrize(
    "options",
    [
        ["--pipeline", "--sweep"],
        ["--inject", "audio=80"],
        ["--pipeline", "--inject", "decide=80"],
        ["--pipeline", "--engine", "head"],
        ["--pipeline", "--backend", "onnxruntime"],
        ["--pipeline", "--threads", "1,2"],
        ["--threads", "none"],
        ["--seconds", "0"],
        ["--rounds", "0"],
        ["--soak", "8x"],
        ["--precision", "f64"],
        ["--backend", "gpu"],
        ["--compare", "/nowhere/old.json"],
    ],
)
def test_wrong_use_is_one_line(bundle: Bundle, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(bundle.path), *options]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_file_that_cannot_be_written_is_told(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", str(bundle.path), *QUICK, "--engine", "head", "--json", "/proc/none/a.json"]
    assert main(command) == 1
    assert "/proc/none/a.json: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("8h", 28_800), ("30m", 1800), ("90s", 90), ("1.5", 1.5)])
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1s", "0", "8 hours", "nan", "1e9h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError):
        duration_s(text)


def test_lists() -> None:
    assert names("f32, int8,,f32") == ("f32", "int8")
    assert counts("1,2") == (1, 2)
    assert delays_ms(["audio=80", "head=0.5"]) == {"audio": 80.0, "head": 0.5}


@pytest.mark.parametrize("text", ["audio", "audio=", "audio=-1", "audio=nan", "sound=80", "audio=1e9"])
def test_what_is_no_delay(text: str) -> None:
    with pytest.raises(UsageError, match="--inject"):
        delays_ms([text])
