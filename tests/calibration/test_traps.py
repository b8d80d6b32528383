"""Known traps of INT8 on the CPU, each with what keeps us out of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
from numpy.typing import NDArray

from calibration.qdq import quantise
from calibration.quant_plan import plan_quantisation
from calibration.ranges import collect_ranges
from edge.bundle import SHIPPED
from edge.precision import processor_can
from tests.calibration.engines import relative_error, run_onnxruntime, run_openvino
from tests.calibration.graphs import CHANNELS, residual_net


def inputs(count: int, seed: int = 2) -> list[dict[str, NDArray]]:
    generator = np.random.default_rng(seed)
    return [{"x": generator.normal(size=(1, CHANNELS, 2, 6, 6)).astype(np.float32)} for _ in range(count)]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return residual_net(tmp_path / "net.onnx")


def test_bf16_is_never_left_to_openvino(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    compile_model = openvino.Core.compile_model

    def spy(core: Any, model: Any, device: str, config: dict[str, Any]) -> Any:
        asked.append(config["INFERENCE_PRECISION_HINT"])
        return compile_model(core, model, device, config)

    monkeypatch.setattr(openvino.Core, "compile_model", spy)
    for precision in ("f32", "int8"):
        run_openvino(graph, precision)
    collect_ranges(graph, inputs(1), method="minmax", threads=1)
    assert asked == ["f32"] * 3
    monkeypatch.undo()

    feed = inputs(1)[0]
    expected = run_onnxruntime(graph)(feed)["y"]
    assert relative_error(run_openvino(graph, "f32")(feed)["y"], expected) < 1e-5
    if processor_can("bf16"):
        left_alone = openvino.Core().compile_model(str(graph), "CPU", {"INFERENCE_NUM_THREADS": 1})
        assert relative_error(left_alone(feed)[0], expected) > 1e-4, "this OpenVINO no longer takes BF16 by itself"


def test_signed_rounding_behind_a_concat(graph: Path, tmp_path: Path) -> None:
    """OpenVINO 2026.4 computes s8 Q/DQ behind a Concat wrongly and says nothing; u8 with a zero point is right."""
    scales = collect_ranges(graph, inputs(8), method="minmax", threads=1)
    errors = {}
    for flavour in ("int8-cpu", "int8-trt"):
        file = tmp_path / f"{flavour}.onnx"
        quantise(graph, scales, file, flavour=flavour)
        reference, engine = run_onnxruntime(file), run_openvino(file)
        pairs = [(engine(feed)["y"], reference(feed)["y"]) for feed in inputs(6, seed=5)]
        errors[flavour] = relative_error(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    assert errors["int8-cpu"] < 0.005
    if errors["int8-trt"] < 0.005:
        warnings.warn(f"OpenVINO {openvino.__version__} is right on signed Q/DQ behind a Concat", stacklevel=1)
    else:
        assert errors["int8-trt"] > 0.05  # far beyond what a value on an edge could explain


def test_attention_is_exported_as_plain_products() -> None:
    """The exporter fails on scaled_dot_product_attention, and a fused node would hide the two products from us."""
    graph = onnx.load(SHIPPED / "audio.onnx").graph
    layers = sum(node.op_type == "Softmax" for node in graph.node)
    assert layers == 3
    for flavour in ("int8-cpu", "int8-trt"):
        skipped = plan_quantisation(graph, flavour).skipped
        assert list(skipped.values()).count("product of two activations") == 2 * layers
