from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import BASE_FILES, MANIFEST, SHIPPED, load_bundle
from edge.cli import main
from edge.precision import Precisions, choose
from tests import media

CLIPS = 16


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen clips of five seconds: fine gratings that move, with a tone each."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(CLIPS):
        media.make_clip(
            folder / f"{number:02d}.mp4",
            seconds=5,
            size=(160, 128),
            audio="tone",
            frequency_hz=200.0 + 150 * number,
        )
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The shipped graphs with the manifest as it is before any calibration."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in (*BASE_FILES, MANIFEST):
        shutil.copyfile(SHIPPED / name, folder / name)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = {name: manifest["files"][name] for name in BASE_FILES}
    manifest["temperatures"] = {"f32": manifest["temperatures"]["f32"]}
    manifest["selection"] = {}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err.strip().splitlines()
    return error[-1]


def test_a_bundle_gains_flavours_temperatures_and_reasons(
    bundle: Path, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "calibrated"
    arguments = ["--clips", str(clips), "--windows", "16", "--hold-out-windows", "64", "--threads", "1"]
    loose = ["--min-agreement", "50", "--max-loss", "100"]
    before = {file.name: file.read_bytes() for file in bundle.iterdir()}
    assert main(["calibrate", str(bundle), *arguments, *loose, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before  # the original is untouched

    made = load_bundle(out)
    for name in ("video", "audio"):
        for flavour in ("int8-cpu", "int8-trt", "f16-trt"):
            assert made.has(name, flavour)
        assert made.graph(name, "int8-cpu").stat().st_size < 0.6 * made.graph(name).stat().st_size
        assert (out / f"{name}.scales.json").is_file()
    assert choose(made, "int8") == Precisions("int8", "int8")
    assert {"f32", "int8", "int8+f32", "f32+int8", "trt-f16", "trt-int8", "trt-int8+f16"} <= made.temperatures.keys()
    assert made.temperatures["f32"] == load_bundle(bundle).temperatures["f32"]
    assert all(np.isfinite(list(made.temperatures.values())))
    for engines in made.selection.values():
        assert engines.keys() == {"video", "audio"}
        assert all("top label agrees" in choice.reason for choice in engines.values())
    assert made.selection["cpu"]["video"].evidence["int8"]["ms"] > 0
    assert made.selection["tensorrt"]["video"].precision == "int8"
    assert said["verdict"]["windows"] >= 50
    assert said["verdict"]["accuracy"] is None
    assert made.provenance["calibration"]["clips"] == CLIPS // 2

    # Again from the scales that were kept: the same files, without measuring.
    again = tmp_path / "again"
    assert main(["calibrate", str(out), *arguments, *loose, "--out", str(again), "--reuse-scales", "--cpu-only"]) == 0
    text = capsys.readouterr().out
    assert "INT8 on the CPU" in text
    assert (again / "video.int8-cpu.onnx").read_bytes() == (out / "video.int8-cpu.onnx").read_bytes()


def test_too_few_clips(bundle: Path, clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = [str(clips / f"{n:02d}.mp4") for n in range(5)]
    assert main(["calibrate", str(bundle), "--clips", *few]) == 1
    told = one_line(capsys)
    assert "at least 16 clips, and there are 5" in told
    assert "--clips DIR" in told


def test_a_clip_cannot_judge_what_it_shaped(bundle: Path, clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(bundle), "--clips", str(clips), "--hold-out", str(clips / "03.mp4")]) == 1
    assert "03.mp4" in one_line(capsys)


def test_scales_of_another_model_leave_the_bundle_as_it_was(
    bundle: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scales = {
        "schema_version": 1,
        "graph_sha256": "0" * 64,
        "method": "minmax",
        "clips": 8,
        "windows": 8,
        "data_sha256": "",
        "weights": "",
        "tensors": {},
        "skipped": {},
    }
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / "video.scales.json").write_text(json.dumps(scales))
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    before = {file.name: file.read_bytes() for file in bundle.iterdir()}
    assert main(["calibrate", str(bundle), "--clips", str(clips), "--windows", "8", "--reuse-scales"]) == 1
    told = one_line(capsys)
    assert "graph_sha256" in told
    assert "egoact calibrate" in told
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before
    assert [path.name for path in bundle.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("wrong", [["--windows", "0"], ["--min-agreement", "101"], ["--threads", "0"]])
def test_wrong_use(bundle: Path, clips: Path, wrong: list[str]) -> None:
    assert main(["calibrate", str(bundle), "--clips", str(clips), *wrong]) == 2
