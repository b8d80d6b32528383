"""Constant folding: what an exported graph would compute from constants alone at every run becomes a weight."""

from __future__ import annotations

import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace, in place, every node whose inputs are all constants (position biases, the widths of a Pad).

    Constants that nothing reads afterwards go too. Nodes without inputs (Constant itself) stay.
    """
    graph = model.graph
    known = {initializer.name: initializer for initializer in graph.initializer}
    known |= {node.output[0]: _value(node) for node in graph.node if node.op_type == "Constant"}
    kept = []
    for node in graph.node:
        inputs = [name for name in node.input if name]
        if not inputs or any(name not in known for name in inputs):
            kept.append(node)
            continue
        values = ReferenceEvaluator(_alone(node, model)).run(
            None, {name: numpy_helper.to_array(known[name]) for name in inputs}
        )
        for name, value in zip(node.output, values, strict=True):
            known[name] = numpy_helper.from_array(value, name)
            graph.initializer.append(known[name])
    read = {name for node in kept for name in node.input} | {port.name for port in graph.output}
    nodes = [node for node in kept if read.intersection(node.output)]
    initializers = [initializer for initializer in graph.initializer if initializer.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)


def _value(node: onnx.NodeProto) -> onnx.TensorProto:
    return next(attribute.t for attribute in node.attribute if attribute.name == "value")


def _alone(node: onnx.NodeProto, model: onnx.ModelProto) -> onnx.ModelProto:
    """A model of one node; types are those of the values that it is fed."""
    ports = [onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(node.input) if name]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = onnx.helper.make_graph([node], "constant", ports, outputs)
    return onnx.helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
