from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calibration.errors import CalibrationError
from calibration.observers import ValueRange
from calibration.scales import Scales, load_scales, save_scales
from edge.bundle import sha256_of


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "video.onnx"
    path.write_bytes(b"a graph")
    return path


@pytest.fixture
def scales(graph: Path) -> Scales:
    tensors = {"/conv/out": ValueRange(-0.1, 7.25, -0.1, 7.0, 7.0), "b": ValueRange(0, 0, 0, 0, 0)}
    skipped = {"stem": "stem: its input is the raw signal"}
    return Scales(sha256_of(graph), "entropy", 64, "d" * 64, tensors, skipped, clips=12)


def test_written_and_read_again(graph: Path, scales: Scales, tmp_path: Path) -> None:
    save_scales(tmp_path / "video.scales.json", scales)
    assert load_scales(tmp_path / "video.scales.json", graph) == scales
    content = json.loads((tmp_path / "video.scales.json").read_text())
    assert content["tensors"]["/conv/out"]["high"] == 7.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["video.onnx", "video.scales.json"]


def test_a_file_of_another_model_names_field_and_command(graph: Path, scales: Scales, tmp_path: Path) -> None:
    path = tmp_path / "video.scales.json"
    save_scales(path, scales)
    graph.write_bytes(b"another graph")
    with pytest.raises(CalibrationError) as error:
        load_scales(path, graph)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    assert "graph_sha256" in message
    assert "video.onnx" in message
    assert "`egoact calibrate BUNDLE --clips DIR`" in message


def without(field: str) -> Any:
    return lambda content: content.pop(field)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda c: c.update(schema_version=2), "schema_version is 2, this egoact reads 1"),
        (without("tensors"), "'tensors'"),
        (without("clips"), "'clips'"),
        (lambda c: c.update(method="magic"), "method 'magic'"),
        (lambda c: c["tensors"]["b"].update(high=-1.0), "range of b"),
        (lambda c: c["tensors"]["b"].update(low=float("nan")), "range of b"),
        (lambda c: c["tensors"]["b"].update(colour=1.0), "colour"),
        (lambda c: c["tensors"].update(b=[1, 2]), "bad or missing field"),
        (lambda c: c.update(windows="many"), "many"),
    ],
)
def test_a_spoilt_file_is_one_line(spoil: Any, named: str, graph: Path, scales: Scales, tmp_path: Path) -> None:
    path = tmp_path / "video.scales.json"
    save_scales(path, scales)
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationError) as error:
        load_scales(path, graph)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert "egoact calibrate" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"null"])
def test_not_a_scales_file(content: bytes, graph: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.scales.json"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match="egoact calibrate"):
        load_scales(path, graph)
    with pytest.raises(CalibrationError, match="cannot be read as JSON"):
        load_scales(tmp_path / "missing.json", graph)
