"""OpenVINO engines: the CPU default.

OpenVINO picks bfloat16 by itself on processors that have it, so the precision is always set here
(INFERENCE_PRECISION_HINT); log-mel features are ruined by anything but FP32.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edge.engines.base import EngineSpec, Tensors, TensorSpec, check_inputs
from edge.errors import EngineError

PRECISION_HINTS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}
"""What the layers that are not quantised compute in; INT8 stands in the graph as Q/DQ."""


class OpenVinoEngine:
    """One ONNX graph compiled for the CPU, latency mode, one request, buffers allocated once."""

    def __init__(
        self, graph: Path, *, name: str | None = None, precision: str = "f32", threads: int | None = None
    ) -> None:
        """Compile `graph`.

        Args:
            graph: path of an ONNX file with static shapes.
            name: of the engine; the file's stem when None.
            precision: 'f32', 'bf16', or 'int8' for a graph with Q/DQ nodes (the rest computes in FP32).
            threads: CPU threads of this engine; None takes all cores.

        Raises:
            EngineError: OpenVINO refuses the graph, or the precision is unknown.
        """
        if precision not in PRECISION_HINTS:
            raise EngineError(f"precision {precision!r} is not one of {', '.join(PRECISION_HINTS)} on the CPU")
        import openvino

        config = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads or (os.cpu_count() or 1),
        }
        try:
            core = openvino.Core()
            source = core.read_model(str(graph))
            self._model = core.compile_model(source, "CPU", config)
        except Exception as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise EngineError(f"{graph}: OpenVINO cannot compile it: {reason}; export the bundle again") from error
        self._request = self._model.create_infer_request()
        self._spec = EngineSpec(
            name=name or graph.stem,
            backend="openvino",
            precision=precision,
            # As the file names them: where compiling removes a node, a port carries that node's names too.
            inputs=tuple(_tensor_spec(port) for port in source.inputs),
            outputs=tuple(_tensor_spec(port) for port in source.outputs),
        )

    @property
    def spec(self) -> EngineSpec:
        return self._spec

    def infer(self, inputs: Tensors) -> Tensors:
        check_inputs(self._spec, inputs)
        results = self._request.infer(inputs, share_inputs=True, share_outputs=True)
        return {tensor.name: results[index] for index, tensor in enumerate(self._spec.outputs)}

    def close(self) -> None:
        del self._request, self._model


def _tensor_spec(port: object) -> TensorSpec:
    return TensorSpec(port.any_name, tuple(port.shape), np.dtype(port.element_type.to_dtype()))  # type: ignore[attr-defined]
