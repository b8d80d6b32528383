from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from calibration.errors import CalibrationError
from calibration.quant_plan import FLAVOURS, plan_quantisation
from edge.bundle import SHIPPED
from tests.calibration.graphs import save


def attention(path: Path, width: int = 32) -> onnx.GraphProto:
    """fbank -> product -> LayerNorm -> query, key, gate; query x key; scores x value; out."""
    nodes = [
        helper.make_node("MatMul", ["sound", "w_in"], ["tokens"], "in"),
        helper.make_node("LayerNormalization", ["tokens", "gain"], ["normed"], "norm"),
        helper.make_node("MatMul", ["normed", "w_q"], ["query"], "query"),
        helper.make_node("MatMul", ["normed", "w_k"], ["key"], "key"),
        helper.make_node("MatMul", ["normed", "w_gate"], ["gate"], "gate"),
        helper.make_node("Transpose", ["key"], ["key_t"], "key_transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["query", "key_t"], ["scores"], "scores"),
        helper.make_node("MatMul", ["scores", "normed"], ["mixed"], "mixed"),
        helper.make_node("Reshape", ["mixed", "shape"], ["flat"], "reshape"),
        helper.make_node("MatMul", ["flat", "w_out"], ["out"], "out"),
        helper.make_node("Concat", ["out", "gate"], ["audio"], "join", axis=2),
    ]
    constants = {
        "w_in": np.ones((width, width), np.float32),
        "gain": np.ones(width, np.float32),
        "w_q": np.ones((width, width), np.float32),
        "w_k": np.ones((width, width), np.float32),
        "w_gate": np.ones((width, 8), np.float32),
        "w_out": np.ones((width, width), np.float32),
        "shape": np.array([1, 10, width]),
    }
    return onnx.load(save(path, nodes, {"sound": (1, 10, width)}, {"audio": (1, 10, width + 8)}, constants)).graph


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_transformer_keeps_what_must_stay(flavour: str, tmp_path: Path) -> None:
    plan = plan_quantisation(attention(tmp_path / "net.onnx"), flavour)
    assert plan.weighted == {"query": 1, "key": 1, "out": 1}
    assert plan.skipped == {
        "in": "stem: its input is the raw signal",
        "gate": "fewer than 16 channels",
        "scores": "product of two activations",
        "mixed": "product of two activations",
    }
    # For the CPU the rounding moves up through the Reshape; tokens are rounded once for query and key.
    assert plan.tensors == ("normed", "mixed" if flavour == "int8-cpu" else "flat")


def stem_net(path: Path, input_type: int) -> onnx.GraphProto:
    """frames -> float -> Gather -> Conv (8 channels) -> Relu -> Conv -> y"""
    nodes = [
        helper.make_node("Cast", ["frames"], ["float"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Gather", ["float", "picked"], ["slow"], "gather", axis=2),
        helper.make_node("Conv", ["slow", "w_stem"], ["raw"], "stem"),
        helper.make_node("Relu", ["raw"], ["stem_out"], "relu"),
        helper.make_node("Conv", ["stem_out", "w_next"], ["y"], "next"),
    ]
    constants = {
        "picked": np.array([0, 2]),
        "w_stem": np.ones((8, 3, 1, 1, 1), np.float32),
        "w_next": np.ones((32, 8, 1, 1, 1), np.float32),
    }
    shapes: tuple[dict, dict] = ({"frames": (1, 3, 4, 5, 5)}, {"y": (1, 32, 2, 5, 5)})
    return onnx.load(save(path, nodes, *shapes, constants, input_type)).graph


def test_stems_and_few_channels(tmp_path: Path) -> None:
    pixels = stem_net(tmp_path / "pixels.onnx", TensorProto.UINT8)
    assert plan_quantisation(pixels, "int8-cpu").weighted == {"stem": 0, "next": 0}
    assert plan_quantisation(pixels, "int8-cpu").tensors == ("float", "stem_out")
    assert plan_quantisation(pixels, "int8-trt").weighted == {}
    signal = stem_net(tmp_path / "signal.onnx", TensorProto.FLOAT)
    assert plan_quantisation(signal, "int8-cpu").weighted == {"next": 0}
    assert plan_quantisation(signal, "int8-cpu").skipped == {"stem": "stem: its input is the raw signal"}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_log_mel_and_head_are_refused(flavour: str) -> None:
    with pytest.raises(CalibrationError, match="log-mel graph stays FP32"):
        plan_quantisation(onnx.load(SHIPPED / "fbank.onnx").graph, flavour)
    with pytest.raises(CalibrationError, match="head stays FP32"):
        plan_quantisation(onnx.load(SHIPPED / "head.onnx").graph, flavour)


def test_shipped_graphs_lose_nothing_by_accident() -> None:
    for name, products in (("video", 38), ("audio", 30)):
        graph = onnx.load(SHIPPED / f"{name}.onnx").graph
        found = sum(node.op_type in ("Conv", "MatMul", "Gemm") for node in graph.node)
        assert found == products
        for flavour in FLAVOURS:
            plan = plan_quantisation(graph, flavour)
            assert len(plan.weighted) + len(plan.skipped) == products
    assert plan_quantisation(onnx.load(SHIPPED / "video.onnx").graph, "int8-cpu").skipped == {}
