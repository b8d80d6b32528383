"""The largest absolute value of every float tensor of a graph on real inputs; memory does not grow with the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper


def activation_peaks(model: onnx.ModelProto, samples: Iterable[Mapping[str, NDArray]]) -> dict[str, float]:
    """Tensor name -> largest absolute value over all samples; empty without samples.

    The graph is run in ONNX Runtime with a reduction behind each tensor, so that only scalars come out of it.
    """
    waiting = iter(samples)
    first = next(waiting, None)
    if first is None:
        return {}
    import onnxruntime  # an extra of export: the runtime itself does without it

    probed = _with_peaks(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(probed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    peaks: dict[str, float] = {}
    while first is not None:
        for name, value in zip(names, session.run(names, dict(first)), strict=True):
            tensor = name.removesuffix(_SUFFIX)
            peaks[tensor] = max(peaks.get(tensor, 0.0), float(value))
        first = next(waiting, None)
    return peaks


_SUFFIX = "@peak"


def _with_peaks(model: onnx.ModelProto) -> onnx.ModelProto:
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    ports = [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    del probed.graph.output[:]
    for name in dict.fromkeys(p.name for p in ports if p.type.tensor_type.elem_type == TensorProto.FLOAT):
        probed.graph.node.append(helper.make_node("Abs", [name], [f"{name}@abs"]))
        probed.graph.node.append(helper.make_node("ReduceMax", [f"{name}@abs"], [name + _SUFFIX], keepdims=0))
        probed.graph.output.append(helper.make_tensor_value_info(name + _SUFFIX, TensorProto.FLOAT, []))
    return probed
