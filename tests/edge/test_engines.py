"""The OpenVINO engine: right answers, checked inputs, explicit precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.engines.load import load_engines
from edge.engines.openvino import OpenVinoEngine
from edge.errors import BundleError, EngineError
from tests.tiny_bundle import make_bundle


@pytest.fixture
def head(tmp_path: Path) -> OpenVinoEngine:
    return OpenVinoEngine(make_bundle(tmp_path / "b").graph("head"), precision="f32", threads=1)


def tensors() -> dict[str, np.ndarray]:
    return {
        "appearance": np.full((1, 9), 0.5, np.float32),
        "motion": np.zeros((1, 6), np.float32),
        "audio": np.array([[0.1, 1.0]], np.float32),
        "mask": np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]], np.float32),
    }


def test_answers_are_those_on_paper(head: OpenVinoEngine) -> None:
    logits = head.infer(tensors())["logits"]
    assert logits == pytest.approx(np.array([[8, 10, 10, 10, 6], [8, 10, 10, 10, 0], [8, 0, 0, 0, 6]]), abs=1e-4)


def test_spec_names_what_it_is(head: OpenVinoEngine) -> None:
    assert (head.spec.name, head.spec.backend, head.spec.precision) == ("head", "openvino", "f32")
    assert {port.name for port in head.spec.inputs} == {"appearance", "motion", "audio", "mask"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audio": np.zeros((1, 3), np.float32)}, "input audio is float32[1, 3], expected float32[1, 2]"),
        ({"audio": np.zeros((1, 2), np.float64)}, "float64"),
        ({"extra": np.zeros(1, np.float32)}, "extra"),
    ],
)
def test_wrong_tensors_are_named(head: OpenVinoEngine, change: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(EngineError) as caught:
        head.infer({**tensors(), **change})
    assert words in str(caught.value)


def test_damaged_graph_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(EngineError) as caught:
        OpenVinoEngine(tmp_path / "bad.onnx")
    assert "\n" not in str(caught.value)
    assert "bad.onnx" in str(caught.value)


def test_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="'int3'"):
        OpenVinoEngine(make_bundle(tmp_path / "b").graph("head"), precision="int3")


def test_graphs_that_break_the_manifests_promise_are_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    bundle = make_bundle(tmp_path / "b")
    lying = replace(bundle, labels=(*bundle.labels, "one-more"))
    with pytest.raises(BundleError, match=r"head\.onnx"):
        load_engines(lying, threads=1)


def test_precision_reaches_the_compiled_model(tmp_path: Path) -> None:
    """OpenVINO would choose bfloat16 by itself where the processor has it."""
    engine = OpenVinoEngine(make_bundle(tmp_path / "b").graph("fbank"), precision="f32")
    assert engine._model.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"
