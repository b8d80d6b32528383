"""A bundle is checked before anything of it is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.bundle import MANIFEST, load_bundle
from edge.errors import BundleError
from tests.tiny_bundle import DIMS, LABELS, SPEC, make_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "tiny")
    return tmp_path / "tiny"


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_was_written_is_read(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.labels == LABELS
    assert bundle.window == SPEC
    assert bundle.feature_dims == DIMS
    assert bundle.background_label == "idle"
    assert bundle.graph("video").is_file()
    assert "tiny" in bundle.describe()


@pytest.mark.parametrize("name", ["video.onnx", "fbank.onnx", "audio.onnx", "head.onnx"])
def test_one_flipped_byte_is_found(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    assert name in refusal(folder)
    assert "sha256" in refusal(folder)


def test_newer_schema_asks_for_an_update(folder: Path) -> None:
    edit(folder, lambda m: m.update(schema_version=3))
    assert "schema version 3" in refusal(folder)
    assert "update egoact" in refusal(folder)


def test_missing_folder_and_missing_graph(folder: Path, tmp_path: Path) -> None:
    assert "--bundle" in refusal(tmp_path / "nowhere")
    (folder / "head.onnx").unlink()
    assert "head.onnx" in refusal(folder)


def test_a_link_out_of_the_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "head.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "head.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    assert "link" in refusal(folder)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "\x00\xff", "[" * 100_000])
def test_a_manifest_that_is_none(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    assert MANIFEST in refusal(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", ["only"]),
        ("labels", ["twice", "twice"]),
        ("labels", [1, 2]),
        ("labels", 5),
        ("background_label", "absent"),
        ("window", {"frame_rate_hz": 30}),
        ("window", {"slow_frames": [0], "surprise": 1}),
        ("window", {"slow_frames": [0, 99]}),
        ("window", {"slow_frames": [0], "frame_size_px": -1}),
        ("window", {"slow_frames": [0], "frame_size_px": 1e3}),
        ("window", {"slow_frames": [0], "hop_frames": 99}),
        ("feature_dims", {"appearance": 3, "motion": 2}),
        ("feature_dims", {"appearance": True, "motion": 2, "audio": 2}),
        ("temperatures", {"f32": 0.0}),
        ("temperatures", {"f32": float("nan")}),
        ("temperatures", {"f32": "warm"}),
        ("thresholds", {"on": float("inf")}),
        ("thresholds", {"surprise": 1}),
        ("provenance", None),
        ("files", {}),
        ("files", {"video.onnx": {}}),
        ("files", {"../../etc/passwd": {"sha256": "0", "bytes": 1}}),
        ("selection", {"cpu": {"video": {"precision": 8, "reason": "because"}}}),
        ("selection", {"cpu": {"video": {"precision": "int8"}}}),
    ],
)
def test_bad_fields_give_one_line(folder: Path, field: str, value: object) -> None:
    edit(folder, lambda m: m.update({field: value}))
    assert MANIFEST in refusal(folder)


@pytest.mark.parametrize(
    "field", ["labels", "window", "feature_dims", "temperatures", "thresholds", "selection", "files"]
)
def test_missing_fields_give_one_line(folder: Path, field: str) -> None:
    edit(folder, lambda m: m.pop(field))
    assert field in refusal(folder)
