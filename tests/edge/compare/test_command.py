from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge.bundle import Bundle
from edge.cli import main
from tests import media
from tests.tiny_bundle import SPEC, make_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    return media.make_clip(tmp_path / "clips" / "a.mp4", seconds=3, audio="tone")


def brighter(bundle: Bundle, path: Path) -> Path:
    """The video graph with another divisor: features 2 % larger."""
    model = onnx.load(str(bundle.graph("video")))
    for weight in model.graph.initializer:
        if weight.name == "full":
            weight.CopyFrom(numpy_helper.from_array(np.float32([250]), "full"))
    onnx.save(model, str(path))
    return path


def test_equal_sides_agree(bundle: Bundle, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--bundle", str(bundle.path), "--clips", str(clip.parent), "--threads", "1", "--json"]
    assert main(["compare", "f32", "onnxruntime:f32", *arguments]) == 0
    said = json.loads(capsys.readouterr().out)
    assert all(t["max_abs"] < 1e-5 for t in said["tensors"])
    assert [mode["agreement"] for mode in said["labels"]] == [1.0, 1.0, 1.0]


def test_a_graph_file_in_its_place_and_its_layers(
    bundle: Bundle, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = brighter(bundle, tmp_path / "video.other.onnx")
    arguments = ["--bundle", str(bundle.path), "--clips", str(clip), "--threads", "1", "--layers", "video"]
    assert main(["compare", "f32", str(other), *arguments]) == 0
    text = capsys.readouterr().out
    assert "appearance" in text
    assert "layers of" in text
    assert main(["compare", "f32", str(other), *arguments, "--json"]) == 0
    said = {t["name"]: t for t in json.loads(capsys.readouterr().out)["tensors"]}
    assert 0.001 < said["appearance"]["max_abs"] < 0.03
    assert said["audio"]["max_abs"] == 0


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("f32", "f64", "--precision f64"),
        ("f32", "int8", "egoact calibrate"),
        ("f32", "gpu:f32", "gpu:f32"),
        ("f32", "nowhere.onnx", "nowhere.onnx"),
    ],
)
def test_sides_that_are_none(
    bundle: Bundle, clip: Path, first: str, second: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", first, second, "--bundle", str(bundle.path), "--clips", str(clip)]) in (1, 2)
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_no_clips_and_other_windows(
    bundle: Bundle, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["compare", "f32", "f32", "--bundle", str(bundle.path), "--clips", str(tmp_path / "empty")]) == 1
    assert "no video there" in capsys.readouterr().err
    larger = make_bundle(tmp_path / "larger", spec=SPEC.__class__(frame_size_px=64))
    assert main(["compare", "f32", str(larger.path), "--bundle", str(bundle.path), "--clips", str(clip)]) == 2
    assert "windows or labels differ" in capsys.readouterr().err
