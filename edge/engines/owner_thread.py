"""One thread that owns all TensorRT engines, so that everybody else may call them from wherever they are.

A CUDA context and an execution context belong to a thread, but the view, the pipeline and the main thread are different
ones: the terminal view runs the pipeline in a thread of its own, and main closes what main has loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from edge.engines.base import EngineSpec, Tensors
from edge.engines.tensorrt import TensorRtEngine, Timings

P = ParamSpec("P")
T = TypeVar("T")


class OwnerThread:
    """Runs one call after the other, each to its end, in its own thread."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engines")

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result; raises what it raises."""
        return self._executor.submit(function, *args, **kwargs).result()

    def stop(self) -> None:
        self._executor.shutdown()


class OwnedEngine:
    """A TensorRT engine that lives in an owner's thread; otherwise the engine itself."""

    def __init__(self, owner: OwnerThread, make: Callable[[], TensorRtEngine]) -> None:
        """`make` is called in the owner's thread; raises what it raises."""
        self._owner = owner
        self._engine = owner.call(make)

    @property
    def spec(self) -> EngineSpec:
        return self._engine.spec

    @property
    def graph_problem(self) -> str | None:
        return self._engine.graph_problem

    def infer(self, inputs: Tensors) -> Tensors:
        return self._owner.call(self._engine.infer, inputs)

    def timings(self) -> Timings:
        return self._owner.call(self._engine.timings)

    def close(self) -> None:
        self._owner.call(self._engine.close)
