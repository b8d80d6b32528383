"""Known traps of INT8 on the CPU, each with what keeps us out of it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
from numpy.typing import NDArray
from onnx import helper

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


_AMX_CHILD = """
import sys
import edge
import numpy as np
from tests.calibration.engines import relative_error, run_openvino
from pathlib import Path

feed = {"x": np.random.default_rng(0).normal(size=(1, 192, 104)).astype(np.float32)}
graph = Path(sys.argv[1])
print(relative_error(run_openvino(graph, "bf16")(feed)["y"], run_openvino(graph, "f32")(feed)["y"]))
"""


def _grouped_convolution(path: Path) -> Path:
    """x [1, 192, 104] -> y: 16 groups of 12 channels, kernel of 128, as BEATs' positional one in the small model."""
    weights = np.random.default_rng(1).normal(0, 0.05, (192, 12, 128)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=16, pads=[64, 63])
    shape = [1, 192, 104]
    graph = helper.make_graph(
        [node],
        "grouped",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def _bf16_error(graph: Path, **environment: str) -> float:
    clean = {name: value for name, value in os.environ.items() if name != "ONEDNN_MAX_CPU_ISA"}
    command = [sys.executable, "-c", _AMX_CHILD, str(graph)]
    done = subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_amx_is_left_alone(tmp_path: Path) -> None:
    """OpenVINO 2026.4 computes some grouped convolutions wrongly with AMX, and says nothing."""
    graph = _grouped_convolution(tmp_path / "grouped.onnx")
    assert _bf16_error(graph) < 0.02
    if "amx_bf16" in Path("/proc/cpuinfo").read_text().split():
        assert _bf16_error(graph, ONEDNN_MAX_CPU_ISA="ALL") > 0.5, (
            "this OpenVINO no longer needs edge/__init__.py's limit"
        )
