"""FP32 ONNX -> FP16 flavour for strongly typed TensorRT builds; plain graphs and graphs with symmetric Q/DQ alike.

Graph inputs and outputs keep their types. Weights of FP16 nodes are stored in FP16; Casts stand only where FP16 meets
FP32. What stays in FP32 is decided by `export.f16_rules` and listed in the report.

Q/DQ: the scales become FP16, because a DequantizeLinear gives the type of its scale and a Cast behind it would keep
TensorRT from fusing it into the product. ONNX allows FP16 scales from opset 19 on (TensorRT 10.0 to 10.15 parse 9 to 20
and more: onnx-tensorrt, docs/operators.md), so such graphs are raised to 19; plain graphs keep their opset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edge.errors import EgoactError
from export.activation_peaks import activation_peaks
from export.f16_rules import Kept, Wiring, kept_in_f32
from export.f16_scales import f16_scales

QDQ_OPSET = 19


@dataclass(frozen=True)
class F16Report:
    """What the conversion did."""

    kept: tuple[Kept, ...]
    """Nodes that stay in FP32, in execution order."""
    f16_nodes: int
    casts: int
    opset: int
    weight_bytes: int
    """Of all weights after the conversion ..."""
    f32_weight_bytes: int
    """... and before it."""

    def lines(self) -> list[str]:
        """For people: one line a reason, with the nodes that it keeps."""
        reasons: dict[str, list[str]] = {}
        for node in self.kept:
            reasons.setdefault(node.reason, []).append(node.node)
        head = f"{self.f16_nodes} nodes in FP16, {len(self.kept)} in FP32, {self.casts} casts, opset {self.opset}"
        return [head, *(f"FP32, {reason}: {', '.join(nodes)}" for reason, nodes in reasons.items())]


def write_f16(source: Path, target: Path, samples: Iterable[Mapping[str, NDArray]] = ()) -> F16Report:
    """`to_f16` from file to file.

    Raises:
        EgoactError: as `to_f16`.
    """
    model, report = to_f16(onnx.load(source), samples)
    target.write_bytes(model.SerializeToString(deterministic=True))
    return report


def to_f16(model: onnx.ModelProto, samples: Iterable[Mapping[str, NDArray]] = ()) -> tuple[onnx.ModelProto, F16Report]:
    """The FP16 flavour of a graph.

    Args:
        model: FP32 graph with static shapes, opset 17 or later.
        samples: real inputs by name. With them, nodes whose values exceed half the FP16 range stay in FP32.

    Raises:
        EgoactError: the graph computes in FP16 already, or a scale cannot be an FP16 number.
    """
    model = _prepared(model)
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    wiring = Wiring(
        graph.node,
        types=_types(model),
        constants=constants,
        inputs=(port.name for port in graph.input),
        outputs=(port.name for port in graph.output),
    )
    kept = kept_in_f32(wiring, activation_peaks(model, samples))
    rewriter = _Rewriter(wiring, kept)
    before = _weight_bytes(graph)
    nodes = rewriter.rewritten(graph.node)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(rewriter.weights())
    onnx.checker.check_model(model, full_check=True)
    report = F16Report(
        kept=tuple(kept[node.name] for node in wiring.nodes if node.name in kept),
        f16_nodes=sum(node.name not in kept for node in wiring.nodes),
        casts=rewriter.casts,
        opset=model.opset_import[0].version,
        weight_bytes=_weight_bytes(graph),
        f32_weight_bytes=before,
    )
    return model, report


class _Rewriter:
    """Gives every node its inputs in its own precision; one Cast a tensor and precision, however many read it."""

    def __init__(self, wiring: Wiring, kept: Mapping[str, Kept]) -> None:
        self._wiring = wiring
        self._kept = kept
        self._scales = f16_scales(wiring, kept)
        self._types: dict[str, int] = {}
        """Float tensors of the new graph -> their precision."""
        self._constants: dict[str, NDArray] = {}
        self._cast: dict[tuple[str, int], str] = {}
        self._nodes: list[NodeProto] = []
        self.casts = 0

    def rewritten(self, nodes: Iterable[NodeProto]) -> list[NodeProto]:
        for node in nodes:
            precision = TensorProto.FLOAT if node.name in self._kept else TensorProto.FLOAT16
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [self._given(tensor, precision) for tensor in node.input]
            self._nodes.append(copy)
            for index, tensor in enumerate(node.output):
                if self._wiring.is_float(tensor):
                    self._made(copy, index, precision)
            if node.op_type == "Cast" and self._wiring.is_float(node.output[0]):
                next(a for a in copy.attribute if a.name == "to").i = precision
        return self._nodes

    def weights(self) -> list[TensorProto]:
        return [numpy_helper.from_array(values, name) for name, values in self._constants.items()]

    def _given(self, tensor: str, precision: int) -> str:
        wiring = self._wiring
        if tensor in wiring.constants:
            return self._constant(tensor, precision)
        if not wiring.is_float(tensor) or self._types.get(tensor, TensorProto.FLOAT) == precision:
            return tensor
        key = (tensor, precision)
        if key not in self._cast:
            suffix = "f16" if precision == TensorProto.FLOAT16 else "f32"
            self._cast[key] = self._new_cast(tensor, f"{tensor}_{suffix}", precision)
        return self._cast[key]

    def _constant(self, tensor: str, precision: int) -> str:
        values = self._scales.get(tensor, self._wiring.constants[tensor])
        if not self._wiring.is_float(tensor) or precision == TensorProto.FLOAT:
            self._constants[tensor] = values
            return tensor
        name = f"{tensor}_f16"
        self._constants[name] = values.astype(np.float16)
        return name

    def _made(self, node: NodeProto, index: int, precision: int) -> None:
        tensor = node.output[index]
        if precision == TensorProto.FLOAT16 and tensor in self._wiring.outputs:
            # The graph's output keeps its name and type; who else reads it finds the FP16 tensor.
            node.output[index] = f"{tensor}_f16"
            self._cast[(tensor, TensorProto.FLOAT16)] = node.output[index]
            self._new_cast(node.output[index], tensor, TensorProto.FLOAT)
            precision = TensorProto.FLOAT
        self._types[tensor] = precision

    def _new_cast(self, source: str, target: str, precision: int) -> str:
        self._nodes.append(helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=precision))
        self.casts += 1
        return target


def _prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with names on all nodes, constants as initializers, and the opset that FP16 scales need."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if any(item.data_type == TensorProto.FLOAT16 for item in copy.graph.initializer):
        raise EgoactError(f"graph {copy.graph.name}: it has FP16 weights already; give the FP32 graph")
    quantised = any(node.op_type == "QuantizeLinear" or node.op_type == "DequantizeLinear" for node in copy.graph.node)
    if quantised and copy.opset_import[0].version < QDQ_OPSET:
        copy = onnx.version_converter.convert_version(copy, QDQ_OPSET)
        copy.ir_version = max(copy.ir_version, 9)
    nodes = []
    for index, node in enumerate(copy.graph.node):
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            node.attribute[0].t.name = node.output[0]
            copy.graph.initializer.append(node.attribute[0].t)
            continue
        node.name = node.name or f"{node.op_type}_{index}"
        nodes.append(node)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _types(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    ports = [*inferred.input, *inferred.value_info, *inferred.output]
    types = {port.name: port.type.tensor_type.elem_type for port in ports}
    return types | {item.name: item.data_type for item in inferred.initializer}


def _weight_bytes(graph: onnx.GraphProto) -> int:
    return sum(numpy_helper.to_array(item).nbytes for item in graph.initializer)
