"""Runs a graph one node at a time, so that every tensor between nodes really has its declared type.

ONNX Runtime on a CPU computes most FP16 nodes in FP32 and drops the roundings between them, even with its optimiser
off: a graph that overflows in FP16 looks perfect there. A GPU rounds what each node writes, and so does this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Feed = dict[str, NDArray]


def run_node_by_node(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[dict[str, NDArray]]:
    """Outputs of the graph by name, for every feed."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {p.name: p.type.tensor_type.elem_type for p in (*inferred.value_info, *inferred.output)}
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    names = [port.name for port in model.graph.output]
    tensors: list[Feed] = [dict(feed) for feed in feeds]
    last_read = {tensor: place for place, node in enumerate(model.graph.node) for tensor in node.input}
    for place, node in enumerate(model.graph.node):
        _run(node, types, constants, tensors, model)
        for known in tensors:
            for tensor in node.input:
                if last_read[tensor] == place and tensor not in names:
                    known.pop(tensor, None)
    return [{name: known[name] for name in names} for known in tensors]


def _run(
    node: onnx.NodeProto, types: dict[str, int], constants: Feed, tensors: list[Feed], model: onnx.ModelProto
) -> None:
    given = {t: tensors[0].get(t, constants.get(t)) for t in node.input if t}
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(t, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for t, v in given.items()
            if t not in constants
        ],
        [helper.make_tensor_value_info(t, types[t], None) for t in node.output],
        [numpy_helper.from_array(v, t) for t, v in given.items() if t in constants],
    )
    single = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(single.SerializeToString(), options)
    for known in tensors:
        feed = {t: known[t] for t in given if t not in constants}
        with np.errstate(over="ignore"):
            known.update(zip(node.output, session.run(None, feed), strict=True))
