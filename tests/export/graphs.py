"""Small hand-made graphs with the traps of a conversion to FP16."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Port = tuple[str, int, list[int]]
F32, F16, U8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8


def graph_of(
    nodes: list[NodeProto], inputs: list[Port], outputs: list[Port], constants: dict[str, NDArray], opset: int = 17
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "hand-made",
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*port) for port in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def quantised_block(*, stored_int8: bool, weight_gain: float = 1.0) -> onnx.ModelProto:
    """frames uint8 -> two Conv3d with Q/DQ on inputs and weights, a residual Add with a quantised branch -> mean.

    Args:
        stored_int8: weights as INT8 behind a DequantizeLinear alone, else as FP32 behind a pair.
        weight_gain: on the weights: a small one puts their scales among FP16's subnormal numbers.
    """
    rng = np.random.default_rng(3)
    constants: dict[str, NDArray] = {
        "mean": np.float32([115.0]),
        "gain": np.float32([0.0174]),
        "zero": np.int8(0),
        "zeros": np.zeros(16, np.int8),
        "s_stem": np.float32(0.02),
        "s_body": np.float32(0.05),
        "b_body": rng.normal(0, 0.1, 16).astype(np.float32) * np.float32(weight_gain),
        "back": np.float32([1 / weight_gain]),
    }
    nodes = [
        _node("Cast", "frames", "float", to=F32),
        _node("Transpose", "float", "ncthw", perm=[0, 4, 1, 2, 3]),
        _node("Sub", "ncthw mean", "centred"),
        _node("Mul", "centred gain", "normal"),
        *_quantised("normal", "s_stem"),
        *_weights("stem", (16, 3, 3, 3, 3), 0.1, constants, stored_int8),
        _node("Conv", "normal_dq w_stem_dq", "stem", pads=[1] * 6),
        _node("Relu", "stem", "stem_relu"),
        *_quantised("stem_relu", "s_body"),
        *_weights("body", (16, 16, 3, 3, 3), 0.03 * weight_gain, constants, stored_int8),
        _node("Conv", "stem_relu_dq w_body_dq b_body", "body_small", pads=[1] * 6),
        _node("Mul", "body_small back", "body"),
        _node("Add", "body stem_relu_dq", "sum"),
        _node("Relu", "sum", "out"),
        _node("ReduceMean", "out", "feature", axes=[2, 3, 4], keepdims=0),
    ]
    return graph_of(nodes, [("frames", U8, [1, 4, 16, 16, 3])], [("feature", F32, [1, 16])], constants)


def _node(op: str, inputs: str, output: str, **attributes: object) -> NodeProto:
    return helper.make_node(op, inputs.split(), [output], name=f"{op}_{output}", **attributes)


def _quantised(tensor: str, scale: str) -> list[NodeProto]:
    return [
        _node("QuantizeLinear", f"{tensor} {scale} zero", f"{tensor}_q"),
        _node("DequantizeLinear", f"{tensor}_q {scale} zero", f"{tensor}_dq"),
    ]


def _weights(
    name: str, shape: tuple[int, ...], spread: float, constants: dict[str, NDArray], stored_int8: bool
) -> list[NodeProto]:
    weights = np.random.default_rng(len(name)).normal(0, spread, shape).astype(np.float32)
    scale = (np.abs(weights).max(axis=(1, 2, 3, 4)) / 127).astype(np.float32)
    constants[f"s_w_{name}"] = scale
    pair = [
        _node("QuantizeLinear", f"w_{name} s_w_{name} zeros", f"w_{name}_q", axis=0),
        _node("DequantizeLinear", f"w_{name}_q s_w_{name} zeros", f"w_{name}_dq", axis=0),
    ]
    if not stored_int8:
        constants[f"w_{name}"] = weights
        return pair
    constants[f"w_{name}_q"] = np.rint(weights / scale.reshape(-1, 1, 1, 1, 1)).clip(-127, 127).astype(np.int8)
    return pair[1:]
