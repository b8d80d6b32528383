"""A tiny network with everything that placement of Q/DQ must get right, and literal arithmetic for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 16


def weight(generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return (generator.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def residual_net(path: Path, seed: int = 0) -> Path:
    """x [1, 16, 2, 6, 6] -> y [1, 32]: a stem, a residual block, two paths that meet in a Concat, a last product.

    stem  = Relu(Conv(x));  a = Relu(Conv(stem));  b = Conv(a);  sum = Relu(stem + b)
    side  = Relu(Conv(stem));  joined = Concat(MaxPool(sum), MaxPool(side));  c = Relu(Conv(joined))
    y     = Gemm(Flatten(mean(c)))
    """
    generator = np.random.default_rng(seed)
    c = CHANNELS
    weights = {
        "w_stem": weight(generator, c, c, 1, 3, 3),
        "w_a": weight(generator, c, c, 2, 3, 3),
        "w_b": weight(generator, c, c, 1, 1, 1),
        "w_side": weight(generator, c, c, 1, 3, 3),
        "w_c": weight(generator, 2 * c, 2 * c, 1, 3, 3),
        "w_y": weight(generator, 32, 2 * c),
    }
    biases = {"b" + name[1:]: generator.normal(size=w.shape[0]).astype(np.float32) / 4 for name, w in weights.items()}
    plain, temporal = {"pads": [0, 1, 1, 0, 1, 1]}, {"pads": [0, 1, 1, 1, 1, 1]}
    pool = {"kernel_shape": [1, 2, 2], "strides": [1, 2, 2]}
    nodes = [
        helper.make_node("Conv", ["x", "w_stem", "b_stem"], ["stem_raw"], "stem", **plain),
        helper.make_node("Relu", ["stem_raw"], ["stem_out"], "stem_relu"),
        helper.make_node("Conv", ["stem_out", "w_a", "b_a"], ["a_raw"], "a", **temporal),
        helper.make_node("Relu", ["a_raw"], ["a_out"], "a_relu"),
        helper.make_node("Conv", ["a_out", "w_b", "b_b"], ["b_raw"], "b"),
        helper.make_node("Add", ["stem_out", "b_raw"], ["sum_raw"], "add"),
        helper.make_node("Relu", ["sum_raw"], ["sum_out"], "sum_relu"),
        helper.make_node("Conv", ["stem_out", "w_side", "b_side"], ["side_raw"], "side", **plain),
        helper.make_node("Relu", ["side_raw"], ["side_out"], "side_relu"),
        helper.make_node("MaxPool", ["sum_out"], ["sum_pooled"], "sum_pool", **pool),
        helper.make_node("MaxPool", ["side_out"], ["side_pooled"], "side_pool", **pool),
        helper.make_node("Concat", ["sum_pooled", "side_pooled"], ["joined"], "join", axis=1),
        helper.make_node("Conv", ["joined", "w_c", "b_c"], ["c_raw"], "c", **plain),
        helper.make_node("Relu", ["c_raw"], ["c_out"], "c_relu"),
        helper.make_node("ReduceMean", ["c_out"], ["mean"], "mean", axes=[2, 3, 4], keepdims=0),
        helper.make_node("Gemm", ["mean", "w_y", "b_y"], ["y"], "gemm", transB=1),
    ]
    return save(path, nodes, {"x": (1, c, 2, 6, 6)}, {"y": (1, 32)}, weights | biases)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    constants: dict[str, NDArray],
    input_type: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, input_type, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return path


def conv3d(x: NDArray, w: NDArray, b: NDArray, pads: tuple[int, int, int], end: tuple[int, int, int]) -> NDArray:
    """[1, C, T, H, W] in double precision, stride 1, tap by tap."""
    padded = np.pad(x, [(0, 0), (0, 0), *((p, e) for p, e in zip(pads, end, strict=True))])
    t, h, v = (padded.shape[2 + i] - w.shape[2 + i] + 1 for i in range(3))
    out = np.zeros((1, w.shape[0], t, h, v)) + b[None, :, None, None, None]
    for dt, dh, dv in np.ndindex(*w.shape[2:]):
        out += np.einsum("ncthv,oc->nothv", padded[:, :, dt : dt + t, dh : dh + h, dv : dv + v], w[:, :, dt, dh, dv])
    return out


def max_pool(x: NDArray) -> NDArray:
    """Windows of 2 x 2 over the last two axes."""
    return x.reshape(*x.shape[:3], x.shape[3] // 2, 2, x.shape[4] // 2, 2).max(axis=(4, 6))
