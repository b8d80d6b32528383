"""An ONNX graph as a net of nodes and tensors: who makes a tensor, who reads it, which are constants."""

from __future__ import annotations

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


class GraphView:
    """Look-ups over one graph, made once; the graph may not change meanwhile."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.producers = {name: node for node in graph.node for name in node.output}
        self.order = {name: place for place, node in enumerate(graph.node) for name in node.output}
        """Tensor -> place of the node that makes it."""
        self.readers: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
        """Tensor -> (node, index of the input) of everybody who reads it, in graph order."""
        for node in graph.node:
            for index, name in enumerate(node.input):
                self.readers.setdefault(name, []).append((node, index))
        self._constants = {initializer.name: initializer for initializer in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self._constants[node.output[0]] = node.attribute[0].t
        self.inputs = {port.name: port for port in graph.input if port.name not in self._constants}
        self.outputs = {port.name for port in graph.output}

    def is_constant(self, tensor: str) -> bool:
        return tensor in self._constants

    def constant(self, tensor: str) -> NDArray:
        """Value of a constant tensor. Raises KeyError when it is none."""
        return numpy_helper.to_array(self._constants[tensor])

    def constant_shape(self, tensor: str) -> tuple[int, ...]:
        return tuple(self._constants[tensor].dims)

    def is_pixels(self, tensor: str) -> bool:
        """Whether a tensor is a graph input of 8-bit numbers."""
        port = self.inputs.get(tensor)
        return port is not None and port.type.tensor_type.elem_type == onnx.TensorProto.UINT8


def node_name(node: onnx.NodeProto) -> str:
    """The node's name; its first output's where an exporter left it empty."""
    return node.name or node.output[0]


def integer_attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    """The node's attribute of this name, or `default` where it has none."""
    return next((int(a.i) for a in node.attribute if a.name == name), default)
