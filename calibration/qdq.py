"""Q/DQ insertion: an FP32 graph and its activation ranges -> a graph in explicit eight-bit form.

Activations: QuantizeLinear and DequantizeLinear behind a tensor, one pair for all who read the rounded form. Weights:
an int8 initialiser and DequantizeLinear, one scale an output channel. Biases stay FP32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from calibration.affine import Affine, asymmetric_u8, quantise_weights, symmetric_s8
from calibration.errors import MEASURE_AGAIN, CalibrationError
from calibration.graph_view import GraphView, node_name
from calibration.observers import ValueRange
from calibration.quant_plan import FLAVOURS, QuantPlan, plan_quantisation
from calibration.scales import Scales, check_scales

Convert = Callable[[onnx.ModelProto], onnx.ModelProto]


@dataclass(frozen=True)
class QuantReport:
    """What became of a graph."""

    path: Path
    flavour: str
    quantised: tuple[str, ...]
    """Products that now run on eight bits."""
    skipped: dict[str, str]
    """Products that do not, with the reason."""
    tensors: int
    """Activations that are rounded."""
    bytes_before: int
    bytes_after: int


def quantise(
    graph: Path,
    scales: Scales,
    out: Path,
    *,
    flavour: str,
    exclude: Collection[str] = (),
    convert: Convert | None = None,
) -> QuantReport:
    """Write one flavour of a graph.

    Args:
        graph: FP32 ONNX.
        scales: of this graph.
        out: file to write.
        flavour: 'int8-cpu' (activations u8 with zero point; the rest FP32) or 'int8-trt' (activations s8, zero point 0,
            for strongly typed TensorRT; the rest FP32 unless `convert` makes it FP16).
        exclude: names of Conv, Gemm and MatMul nodes that stay FP32.
        convert: applied to the finished model before it is checked and written; all scales are exact in FP16.

    Raises:
        CalibrationError: the scales are another graph's, a range is missing, the graph must stay FP32, the flavour or
            an excluded node does not exist.
    """
    if flavour not in FLAVOURS:
        raise CalibrationError(f"flavour {flavour!r} is not one of {', '.join(FLAVOURS)}; give one of them")
    check_scales(scales, graph)
    model = onnx.load(graph)
    plan = plan_quantisation(model.graph, flavour, exclude)
    missing = [tensor for tensor in plan.tensors if tensor not in scales.tensors]
    if missing:
        raise CalibrationError(f"scales: tensors has no range of {missing[0]}; {MEASURE_AGAIN}")
    affine = {tensor: _affine(scales.tensors[tensor], flavour) for tensor in plan.tensors}
    _insert(model.graph, plan, affine)
    if convert is not None:
        model = convert(model)
    onnx.checker.check_model(model, full_check=True)
    out.write_bytes(model.SerializeToString(deterministic=True))
    return QuantReport(
        path=out,
        flavour=flavour,
        quantised=tuple(plan.weighted),
        skipped=plan.skipped,
        tensors=len(plan.tensors),
        bytes_before=graph.stat().st_size,
        bytes_after=out.stat().st_size,
    )


def _affine(value: ValueRange, flavour: str) -> Affine:
    return asymmetric_u8(value.low, value.high) if flavour == "int8-cpu" else symmetric_s8(value.threshold)


def _insert(graph: onnx.GraphProto, plan: QuantPlan, affine: dict[str, Affine]) -> None:
    view = GraphView(graph)
    nodes, initialisers = [], list(graph.initializer)
    # A graph input is rounded before the first node.
    for tensor in (name for name in view.inputs if name in affine):
        nodes += _activation_pair(tensor, affine[tensor], initialisers)
    for node in graph.node:
        weights = _rounded_weights(view, node, plan, initialisers)
        for index, tensor in enumerate(node.input):
            if (node_name(node), index) in plan.edges:
                node.input[index] = _dequantised(tensor)
        if weights is not None:
            nodes.append(weights)
            node.input[1] = weights.output[0]
        nodes.append(node)
        for tensor in (name for name in node.output if name in affine):
            nodes += _activation_pair(tensor, affine[tensor], initialisers)
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(i for i in initialisers if i.name in used)


def _activation_pair(tensor: str, affine: Affine, initialisers: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    scale, zero_point = f"{tensor}_scale", f"{tensor}_zero_point"
    initialisers += [
        numpy_helper.from_array(np.asarray(affine.scale), scale),
        numpy_helper.from_array(np.asarray(affine.zero_point), zero_point),
    ]
    whole = f"{tensor}_quantized"
    return [
        helper.make_node("QuantizeLinear", [tensor, scale, zero_point], [whole], name=f"{tensor}_QuantizeLinear"),
        helper.make_node(
            "DequantizeLinear", [whole, scale, zero_point], [_dequantised(tensor)], name=f"{tensor}_DequantizeLinear"
        ),
    ]


def _rounded_weights(
    view: GraphView, node: onnx.NodeProto, plan: QuantPlan, initialisers: list[onnx.TensorProto]
) -> onnx.NodeProto | None:
    """The node that gives out the rounded weights of a quantised product; None for every other node."""
    name = node_name(node)
    if node.op_type == "Add" or name not in plan.weighted:
        return None
    axis = plan.weighted[name]
    # Named after the node: equal weights of two products may need scales along different axes.
    weight = f"{name}_weight"
    rounded = quantise_weights(view.constant(node.input[1]), axis)
    zeros = np.zeros(len(rounded.scales), np.int8)
    initialisers += [
        numpy_helper.from_array(rounded.values, f"{weight}_quantized"),
        numpy_helper.from_array(rounded.scales, f"{weight}_scale"),
        numpy_helper.from_array(zeros, f"{weight}_zero_point"),
    ]
    inputs = [f"{weight}_quantized", f"{weight}_scale", f"{weight}_zero_point"]
    return helper.make_node("DequantizeLinear", inputs, [_dequantised(weight)], name=f"{weight}_dq", axis=axis)


def _dequantised(tensor: str) -> str:
    return f"{tensor}_dequantized"
