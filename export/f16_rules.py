"""Which nodes of an FP32 graph may compute in FP16, and which stay in FP32 and why.

The reasons, with their sources: sums and squares leave FP16's range in transformers (NVIDIA/TensorRT issues 2564 and
2781: keep LayerNorm, Pow and Reduce in FP32); BEATs guards its attention logits by a subtraction and a factor of 32
(microsoft/unilm, beats/backbone.py), which only helps while they keep their digits; a logarithm makes relative errors
of small values absolute ones, so everything that feeds it (log-mel features) is FP32.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from onnx import NodeProto, TensorProto

PEAK_LIMIT = 65504 / 2
"""Half the FP16 range: what sample windows reached may be exceeded by windows that nobody saw."""

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_MOVES = frozenset({"Concat", "Expand", "Flatten", "Gather", "GlobalMaxPool", "Identity", "MaxPool", "Pad", "Relu"}) | {
    *("Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze")
}
"""Give back values that they were given: exact in the precision of what stands around them."""
_QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
_ARITHMETIC = frozenset({"Abs", "Add", "Cast", "Clip", "Div", "Erf", "Gelu", "LeakyRelu", "Max", "Min", "Mul"}) | {
    *("Neg", "ReduceMax", "ReduceMin", "Sigmoid", "Sub", "Sum", "Tanh", "Where")
}
_FORBIDDEN = {
    "LayerNormalization": "its squares and sums leave the FP16 range",
    "Softmax": "exponentials of attention logits",
    "BatchNormalization": "TensorRT before 10.7 takes it in one precision only",
    **{f"Reduce{name}": "sums lose digits in FP16" for name in ("L1", "L2", "Mean", "Prod", "Sum", "SumSquare")},
    **dict.fromkeys(("AveragePool", "GlobalAveragePool"), "means over many positions"),
    **dict.fromkeys(("Exp", "Pow", "Reciprocal", "Sqrt"), "leaves the FP16 range fast"),
    "Log": "a logarithm needs all digits",
}


class Kept(NamedTuple):
    """A node that stays in FP32."""

    node: str
    op_type: str
    reason: str


class Wiring:
    """Who makes and who reads each tensor of a graph whose nodes all have names and stand in execution order."""

    def __init__(
        self,
        nodes: Iterable[NodeProto],
        *,
        types: Mapping[str, int],
        constants: Mapping[str, np.ndarray],
        inputs: Iterable[str],
        outputs: Iterable[str],
    ) -> None:
        self.nodes = [
            node for node in nodes if any(types.get(t) == TensorProto.FLOAT for t in (*node.input, *node.output))
        ]
        self.types = types
        self.constants = constants
        self.inputs = frozenset(inputs)
        self.outputs = frozenset(outputs)
        self.maker = {tensor: node for node in self.nodes for tensor in node.output}
        self.readers: dict[str, list[NodeProto]] = {}
        for node in self.nodes:
            for tensor in node.input:
                self.readers.setdefault(tensor, []).append(node)

    def is_float(self, tensor: str) -> bool:
        return self.types.get(tensor) == TensorProto.FLOAT

    def before(self, node: NodeProto) -> list[NodeProto]:
        return [self.maker[tensor] for tensor in node.input if tensor in self.maker]

    def after(self, node: NodeProto) -> list[NodeProto]:
        return [reader for tensor in node.output for reader in self.readers.get(tensor, [])]


def kept_in_f32(wiring: Wiring, peaks: Mapping[str, float]) -> dict[str, Kept]:
    """Node name -> why it stays in FP32. Every other node with a float tensor computes in FP16.

    Args:
        peaks: largest absolute value that a tensor took on sample windows; may be empty.
    """
    kept: dict[str, Kept] = {}

    def keep(node: NodeProto, reason: str) -> None:
        kept.setdefault(node.name, Kept(node.name, node.op_type, reason))

    for node in wiring.nodes:
        overflow = _overflow(wiring, node, peaks)
        if overflow:
            keep(node, overflow)
        elif node.op_type in _FORBIDDEN:
            keep(node, _FORBIDDEN[node.op_type])
        elif node.op_type not in PRODUCTS | _MOVES | _QUANTISERS | _ARITHMETIC:
            keep(node, "not known to be safe in FP16")
    logarithms = [node for node in wiring.nodes if node.op_type == "Log"]
    feeds_logarithm = _upstream(wiring, logarithms, stop=frozenset())
    for node in feeds_logarithm:
        keep(node, "feeds a logarithm")
    for node in _upstream(wiring, [n for n in wiring.nodes if n.op_type == "Softmax"], stop=PRODUCTS | _QUANTISERS):
        keep(node, "attention logits and their guards")
    for node in _preparation(wiring, beyond={node.name for node in feeds_logarithm}):
        keep(node, "prepares the input before the first product")
    for node in _moves_between(wiring, kept):
        keep(node, "stands between nodes in FP32")
    return kept


def _overflow(wiring: Wiring, node: NodeProto, peaks: Mapping[str, float]) -> str | None:
    for tensor in (*node.input, *node.output):
        if not wiring.is_float(tensor):
            continue
        if tensor in wiring.constants:
            values = wiring.constants[tensor]
            peak = float(np.abs(values).max()) if values.size else 0.0
        else:
            peak = peaks.get(tensor, 0.0)
        if peak > PEAK_LIMIT:
            return f"{tensor} reaches {peak:.3g}"
    return None


def _upstream(wiring: Wiring, ends: list[NodeProto], stop: frozenset[str]) -> list[NodeProto]:
    """All nodes before `ends`, not looking past those whose type is in `stop` (they are left out themselves)."""
    found: dict[str, NodeProto] = {}
    waiting = [node for end in ends for node in wiring.before(end)]
    while waiting:
        node = waiting.pop()
        if node.name not in found and node.op_type not in stop:
            found[node.name] = node
            waiting.extend(wiring.before(node))
    return list(found.values())


def _preparation(wiring: Wiring, beyond: Container[str]) -> list[NodeProto]:
    """Arithmetic between a graph input and the first product: normalising frames costs nothing in FP32.

    Products in `beyond` are not the first: those of log-mel features, which are prepared like frames.
    """
    fresh = set(wiring.inputs)
    found = []
    for node in wiring.nodes:
        if node.op_type in PRODUCTS and node.name not in beyond:
            continue
        if not any(tensor in fresh for tensor in node.input):
            continue
        if all(tensor in fresh or tensor not in wiring.maker for tensor in node.input):
            fresh.update(node.output)
            if node.op_type in _ARITHMETIC:
                found.append(node)
    return found


def _moves_between(wiring: Wiring, kept: Mapping[str, Kept]) -> list[NodeProto]:
    """Moves and Q/DQ take the precision of their neighbours, so that no value is cast down only to be cast up again."""
    found: dict[str, NodeProto] = {}
    for node in reversed(wiring.nodes):
        if node.op_type not in _MOVES | _QUANTISERS:
            continue
        read_in_f16 = any(reader.name not in kept and reader.name not in found for reader in wiring.after(node))
        read_in_f32 = wiring.outputs.intersection(node.output) or not read_in_f16
        if not read_in_f32 or (node.op_type in _QUANTISERS and read_in_f16):
            continue
        if node.op_type in _QUANTISERS or not _made_in_f16(wiring, node, kept):
            found[node.name] = node
    return list(found.values())


def _made_in_f16(wiring: Wiring, node: NodeProto, kept: Mapping[str, Kept]) -> bool:
    """Whether everything that a move moves was computed in FP16."""
    sources = wiring.before(node)
    if not sources:
        return False
    return all(
        _made_in_f16(wiring, source, kept) if source.op_type in _MOVES else source.name not in kept
        for source in sources
    )
