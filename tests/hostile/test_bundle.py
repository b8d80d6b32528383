"""A bundle of a stranger: nothing outside of its folder is opened, and no manifest is larger than what reads it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from edge.bundle import MANIFEST, load_bundle, sha256_of
from edge.errors import BundleError
from edge.onnx_external import has_external_data
from tests.tiny_bundle import make_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "tiny")
    return tmp_path / "tiny"


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../b", "video.onnx/..", "VIDEO.ONNX", "head.onnx\0"]
)
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    edit(folder, lambda m: m["files"].update({name: {"sha256": "0" * 64, "bytes": 1}}))
    assert "is not a file of a bundle" in refusal(folder)


@pytest.mark.parametrize("name", ["video.onnx", MANIFEST])
@pytest.mark.parametrize("kind", ["link to a file", "link to a device", "FIFO", "folder", "device"])
def test_only_files_are_opened(folder: Path, name: str, kind: str) -> None:
    file = folder / name
    outside = folder.parent / "outside"
    file.rename(outside)
    if kind == "link to a file":
        file.symlink_to(outside)  # even with the right content: it may change behind our back
    elif kind == "link to a device":
        file.symlink_to("/dev/zero")
    elif kind == "FIFO":
        os.mkfifo(file)  # opening it would wait for ever
    elif kind == "device":
        file.symlink_to("/dev/stdin")
    else:
        file.mkdir()
    assert name in refusal(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(temperatures={"f32": 10**35, "int8": float("nan")}), "temperature"),
        (lambda m: m["window"].update(frame_size_px=100_000), "1 GiB"),
        (lambda m: m["window"].update(clip_rows=100_000), "1 GiB"),
        (lambda m: m["window"].update(slow_frames=[float("nan")]), "field"),
        (lambda m: m["window"].update(frame_size_px=True), "out of range"),
        (lambda m: m["thresholds"].update(on="x"), "field"),
        (lambda m: m["thresholds"].update(shell="x"), "field"),
        (lambda m: m.update(labels=["a" * 201, "b"]), "letters"),
        (lambda m: m.update(labels=["", "b"]), "letters"),
        (lambda m: m.update(labels=[str(n) for n in range(10_001)]), "at most 10000"),
        (lambda m: m.update(labels={"a": 1}), "field|labels"),
        (lambda m: m.update(selection={"cpu": {"video": ["f32"]}}), "field"),
        (lambda m: m.update(files=[]), "field"),
    ],
)  # fmt: skip
def test_values_that_would_become_memory_or_nonsense(folder: Path, change: Callable, reason: str) -> None:
    edit(folder, change)
    assert re.search(reason, refusal(folder))


def test_a_manifest_that_never_ends_is_not_parsed(folder: Path) -> None:
    with (folder / MANIFEST).open("ab") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    assert "larger than 4 MiB" in refusal(folder)


def with_external_data(location: str, depth: int) -> onnx.ModelProto:
    """A graph whose weight lies elsewhere, inside `depth` If nodes."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    graph = helper.make_graph([], "inner", [], [], [weight])
    for _ in range(depth):
        node = helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "outer", [], [])
    return helper.make_model(graph)


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("location", ["../outside.bin", "/etc/passwd", "beside.bin"])
def test_weights_in_another_file_are_refused_with_a_right_checksum_too(folder: Path, location: str, depth: int) -> None:
    graph = folder / "head.onnx"
    graph.write_bytes(with_external_data(location, depth).SerializeToString())
    edit(folder, lambda m: m["files"]["head.onnx"].update(sha256=sha256_of(graph)))
    assert "keeps weights in another file" in refusal(folder)


def test_a_node_of_that_name_is_no_external_data(tmp_path: Path) -> None:
    graph = helper.make_graph([helper.make_node("Identity", ["location"], ["y"], name="location")], "location", [], [])
    (tmp_path / "a.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    assert not has_external_data(tmp_path / "a.onnx")


def test_a_graph_that_is_none_is_refused_before_an_engine_sees_it(folder: Path) -> None:
    graph = folder / "head.onnx"
    for content in (b"", b"location" * 100, b"\x0b\x0b location", b"\xff" * 100 + b"location"):
        graph.write_bytes(content)
        edit(folder, lambda m: m["files"]["head.onnx"].update(sha256=sha256_of(graph)))
        assert "not an ONNX graph" in refusal(folder)
