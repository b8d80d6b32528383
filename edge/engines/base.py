"""The one protocol of all engines."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import EngineError

Tensors = dict[str, NDArray]


class TensorSpec(NamedTuple):
    """Name, shape and dtype of one input or output; all shapes are static."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype


class EngineSpec(NamedTuple):
    """What an engine takes and gives, and how it runs."""

    name: str
    backend: str
    """'openvino', 'tensorrt', ..."""
    precision: str
    """'f32', 'bf16', 'f16', 'int8': always set explicitly."""
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Engine(Protocol):
    """A compiled network. One thread owns it: `infer` is not re-entrant."""

    @property
    def spec(self) -> EngineSpec: ...

    def infer(self, inputs: Tensors) -> Tensors:
        """Run once. Inputs and outputs as in `spec`; outputs are valid until the next call.

        Raises:
            EngineError: a tensor is missing, unknown, or of the wrong shape or dtype.
        """
        ...

    def close(self) -> None: ...


def check_inputs(spec: EngineSpec, inputs: Tensors) -> None:
    """Compare tensors with the spec.

    Raises:
        EngineError: names the engine, the tensor, and the expected and the given shape or dtype.
    """
    expected = {tensor.name: tensor for tensor in spec.inputs}
    if inputs.keys() != expected.keys():
        raise EngineError(f"engine {spec.name}: inputs are {sorted(inputs)}, expected {sorted(expected)}")
    for name, tensor in expected.items():
        given = inputs[name]
        if given.shape != tensor.shape or given.dtype != tensor.dtype:
            raise EngineError(
                f"engine {spec.name}: input {name} is {given.dtype}{list(given.shape)}, "
                f"expected {tensor.dtype}{list(tensor.shape)}"
            )


def warm_up(engine: Engine, runs: int = 2) -> None:
    """Run on zeros, so that the first real window is not the slow one."""
    zeros = {tensor.name: np.zeros(tensor.shape, tensor.dtype) for tensor in engine.spec.inputs}
    for _ in range(runs):
        engine.infer(zeros)
