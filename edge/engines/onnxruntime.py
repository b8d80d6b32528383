"""ONNX Runtime engines: a second opinion on the CPU, for comparing; the runtime itself does without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.engines.base import EngineSpec, Tensors, TensorSpec, check_inputs
from edge.errors import EngineError

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}


class OnnxRuntimeEngine:
    """One ONNX graph with static shapes on ONNX Runtime's CPU provider."""

    def __init__(self, graph: Path, *, name: str | None = None, precision: str = "f32", threads: int | None = None):
        """Load `graph`; `precision` is what the file holds (Q/DQ nodes make it 'int8'), ONNX Runtime adds none.

        Raises:
            EngineError: onnxruntime is not installed, or refuses the graph.
        """
        try:
            import onnxruntime
        except ImportError:
            raise EngineError("onnxruntime is not installed; install it with `pip install onnxruntime`") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise EngineError(f"{graph}: ONNX Runtime cannot load it: {reason}; export the bundle again") from error
        self._spec = EngineSpec(
            name=name or graph.stem,
            backend="onnxruntime",
            precision=precision,
            inputs=tuple(_tensor_spec(port) for port in self._session.get_inputs()),
            outputs=tuple(_tensor_spec(port) for port in self._session.get_outputs()),
        )

    @property
    def spec(self) -> EngineSpec:
        return self._spec

    def infer(self, inputs: Tensors) -> Tensors:
        check_inputs(self._spec, inputs)
        names = [tensor.name for tensor in self._spec.outputs]
        return dict(zip(names, self._session.run(names, inputs), strict=True))

    def close(self) -> None:
        del self._session


def _tensor_spec(port: object) -> TensorSpec:
    return TensorSpec(port.name, tuple(port.shape), np.dtype(_DTYPES[port.type]))  # type: ignore[attr-defined]
