"""Which tensors of a graph are rounded to eight bits: decided from the graph alone, before anything is measured.

A node with constant weights (Conv, Gemm, MatMul) is quantised by rounding its activation input and its weights. Where a
quantised Conv ends in a residual Add, the other branch is rounded too, so that Conv, Add and Relu become one kernel.
Nothing is rounded between a Conv and its Relu.

For OpenVINO three things differ. The rounding of an input moves up through nodes that only move or choose values
(MaxPool, Concat, Transpose ...), so that these work on bytes; the inputs of a Concat share one range. (TensorRT moves Q
up by itself, and its own tools leave Q/DQ at the product.) Both branches of a residual Add are rounded: 3 to 6 % faster
on SlowFast R50 and R101, at no loss. And convolutions with few channels and stems that read pixels are quantised too: a
third faster on the same, and 8-bit pixels lose next to nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import onnx

from calibration.errors import CalibrationError
from calibration.graph_view import GraphView, integer_attribute, node_name

WEIGHTED = ("Conv", "Gemm", "MatMul")
MOVES = ("MaxPool", "Concat", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather", "Slice")
"""Give out values that they were given, so that rounding may happen before them."""

SMALLEST_DIM = 16
"""Products of fewer channels on either side gain nothing from eight bits: INT8 layouts come in blocks of 16 or 32."""

FLAVOURS = ("int8-cpu", "int8-trt")


@dataclass(frozen=True)
class QuantPlan:
    """What is rounded in one graph."""

    weighted: dict[str, int]
    """Name of a quantised node -> axis of the output channels in its weights."""
    edges: dict[tuple[str, int], str]
    """(node, index of the input) -> the tensor whose rounded form it reads; rounding stands right behind the tensor."""
    shared: tuple[frozenset[str], ...]
    """Tensors that have one range together."""
    skipped: dict[str, str]
    """Node with a product -> why it stays as it is."""

    @property
    def tensors(self) -> tuple[str, ...]:
        """All tensors that are rounded, in graph order."""
        return tuple(dict.fromkeys(self.edges.values()))


def plan_quantisation(graph: onnx.GraphProto, flavour: str, exclude: Collection[str] = ()) -> QuantPlan:
    """Decide for one flavour.

    Args:
        graph: FP32, without Q/DQ.
        flavour: 'int8-cpu' or 'int8-trt'.
        exclude: names of nodes that stay FP32.

    Raises:
        CalibrationError: the graph must stay FP32 as a whole, or an excluded node is not in it.
    """
    view = GraphView(graph)
    _refuse_fp32_graphs(view)
    products = [node for node in graph.node if node.op_type in WEIGHTED]
    unknown = set(exclude) - {node_name(node) for node in products}
    if unknown:
        raise CalibrationError(f"{sorted(unknown)[0]}: no product (Conv, Gemm, MatMul) of the graph has this name")
    skipped, weighted, edges = {}, {}, _Edges(view, moves=flavour == "int8-cpu")
    for node in products:
        name = node_name(node)
        reason = "excluded" if name in exclude else _reason_to_skip(view, node, flavour)
        if reason:
            skipped[name] = reason
            continue
        weighted[name] = _channel_axis(node)
        edges.round_input(node, 0)
    for node in graph.node:
        for index in _rounded_branches(view, node, flavour, weighted, exclude):
            edges.round_input(node, index)
    return QuantPlan(weighted, edges.edges, edges.shared(), skipped)


def _refuse_fp32_graphs(view: GraphView) -> None:
    if "fbank" in view.outputs:
        raise CalibrationError("the log-mel graph stays FP32: rounding ruins quiet bins; quantise the audio graph")
    if "logits" in view.outputs:
        raise CalibrationError("the head stays FP32: it takes no time and decides; quantise the video or audio graph")


def _reason_to_skip(view: GraphView, node: onnx.NodeProto, flavour: str) -> str | None:
    if not view.is_constant(node.input[1]) or view.is_constant(node.input[0]):
        return "product of two activations"
    if node.op_type == "Gemm" and integer_attribute(node, "transA", 0):
        return "transposed activation"
    shape = view.constant_shape(node.input[1])
    if len(shape) < 2 or (node.op_type == "MatMul" and len(shape) != 2):
        return "weights are not a matrix"
    if min(_channels(node, shape)) < SMALLEST_DIM and not (flavour == "int8-cpu" and node.op_type == "Conv"):
        return f"fewer than {SMALLEST_DIM} channels"
    sources = _first_inputs(view, node)
    if sources and not (flavour == "int8-cpu" and all(view.is_pixels(source) for source in sources)):
        return "stem: its input is the raw signal"
    return None


def _channels(node: onnx.NodeProto, shape: tuple[int, ...]) -> tuple[int, int]:
    """Output and input channels that one product runs over."""
    if node.op_type == "Conv":
        return shape[0] // integer_attribute(node, "group", 1), shape[1]
    return (shape[0], shape[1]) if integer_attribute(node, "transB", 0) else (shape[1], shape[0])


def _channel_axis(node: onnx.NodeProto) -> int:
    if node.op_type == "Conv" or (node.op_type == "Gemm" and integer_attribute(node, "transB", 0)):
        return 0
    return 1


def _first_inputs(view: GraphView, node: onnx.NodeProto) -> set[str]:
    """The graph's inputs that a node reads, when no product lies between them; empty for all other nodes."""
    found: set[str] = set()
    waiting, seen = [node.input[0]], set()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or view.is_constant(tensor):
            continue
        seen.add(tensor)
        producer = view.producers.get(tensor)
        if producer is None:
            found.add(tensor)
        elif producer.op_type in WEIGHTED:
            return set()
        else:
            waiting.extend(producer.input)
    return found


def _rounded_branches(
    view: GraphView, add: onnx.NodeProto, flavour: str, weighted: Collection[str], exclude: Collection[str]
) -> tuple[int, ...]:
    """Indices of the inputs of a residual Add to round; none for every other node.

    The Add belongs to the Conv that comes last. An excluded Conv still counts as that one, and then nothing is rounded:
    the exclusion of a layer must never round a tensor for which no range was measured.
    """
    fused = [
        index
        for index, tensor in enumerate(add.input)
        if (producer := view.producers.get(tensor)) is not None
        and producer.op_type == "Conv"
        and (node_name(producer) in weighted or node_name(producer) in exclude)
        and len(view.readers[tensor]) == 1
    ]
    if add.op_type != "Add" or not fused or any(view.is_constant(tensor) for tensor in add.input):
        return ()
    last = max(fused, key=lambda index: view.order[add.input[index]])
    if node_name(view.producers[add.input[last]]) in exclude:
        return ()
    # OpenVINO only adds in place what is rounded on both sides; TensorRT adds the Conv's own sum before rounding.
    return (0, 1) if flavour == "int8-cpu" else (1 - last,)


class _Edges:
    """Collects the edges to round, moved up as far as their values stay the same where `moves` allows it."""

    def __init__(self, view: GraphView, moves: bool) -> None:
        self._view = view
        self._moves = moves
        self.edges: dict[tuple[str, int], str] = {}
        self._groups: list[set[str]] = []

    def round_input(self, node: onnx.NodeProto, index: int) -> set[str]:
        """Have an input rounded; returns the tensors behind which the rounding stands."""
        tensor = node.input[index]
        producer = self._view.producers.get(tensor)
        if producer is None or not self._movable(producer):
            self.edges[node_name(node), index] = tensor
            self._join({tensor})
            return {tensor}
        data = range(len(producer.input)) if producer.op_type == "Concat" else range(1)
        sources = set().union(*(self.round_input(producer, i) for i in data))
        self._join(sources)
        return sources

    def _movable(self, producer: onnx.NodeProto) -> bool:
        if not self._moves or producer.op_type not in MOVES:
            return False
        data = producer.input if producer.op_type == "Concat" else producer.input[:1]
        return producer.output[0] not in self._view.outputs and not any(map(self._view.is_constant, data))

    def _join(self, tensors: set[str]) -> None:
        touching = [group for group in self._groups if group & tensors]
        self._groups = [group for group in self._groups if not group & tensors]
        self._groups.append(tensors.union(*touching))

    def shared(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(group) for group in self._groups if len(group) > 1)
