"""TensorRT engines: one plan, its own stream, all memory allocated once, computation replayed as a CUDA graph.

The way of one call: copy into page-locked memory -> to the device -> compute -> back -> copy out. The TensorRT module
and CUDA are handed in, so that the same tests run on fakes and on a card.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.engines.base import EngineSpec, Tensors, TensorSpec, check_inputs
from edge.engines.cuda_memory import Cuda
from edge.engines.plan import CheckedPlan
from edge.engines.trt_log import log_of
from edge.errors import EngineError, PlanError, WrongThreadError


class Timings(NamedTuple):
    """Of the last call, in ms; the first three are device time between CUDA events."""

    h2d_ms: float
    compute_ms: float
    d2h_ms: float
    enqueue_ms: float
    """Processor time until the computation was handed over; near `compute_ms` the processor is the limit."""


class _Port(NamedTuple):
    """An input or output: where it lies on both sides."""

    spec: TensorSpec
    pinned: NDArray
    address: int


class TensorRtEngine:
    """A plan on the GPU. It belongs to the thread that made it: `infer` and `close` refuse every other one."""

    def __init__(self, plan: CheckedPlan, trt: Any, cuda: Cuda) -> None:
        """Load a plan that `check_plan` approved and allocate everything; `cuda` belongs to the engine from now on.

        Raises:
            PlanError: TensorRT refuses the plan, or its tensors are not those of the sidecar.
            EngineError: CUDA refuses, for want of memory for instance.
        """
        self._owner = threading.current_thread()
        self._name = plan.file.engine
        self._cuda = cuda
        self._log = log_of(trt)
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._inputs: dict[str, _Port] = {}
        self._outputs: dict[str, _Port] = {}
        self._results: Tensors = {}
        self._events: list[Any] = []
        self._stream: int | None = None
        self._graph: int | None = None
        self._enqueue_ms = 0.0
        self._closed = False
        self.graph_problem: str | None = None
        """Why the computation is not replayed as a CUDA graph; None when it is."""
        try:
            self._load(plan, trt)
            self._allocate(trt)
            self._spec = EngineSpec(
                name=self._name,
                backend="tensorrt",
                precision=plan.file.precision,
                inputs=tuple(port.spec for port in self._inputs.values()),
                outputs=tuple(port.spec for port in self._outputs.values()),
            )
            self._check_profile(plan)
            self._capture()
        except BaseException:
            self.close()
            raise

    @property
    def spec(self) -> EngineSpec:
        return self._spec

    def infer(self, inputs: Tensors) -> Tensors:
        """Run once; allocates nothing.

        Raises:
            EngineError: wrong tensors, a closed engine, or CUDA failed.
            WrongThreadError: called from another thread than the one that made it.
        """
        self._check_thread()
        if self._closed:
            raise EngineError(f"engine {self._name}: it is closed")
        check_inputs(self._spec, inputs)
        cuda, stream = self._cuda, self._open_stream
        for name, port in self._inputs.items():
            np.copyto(port.pinned, inputs[name])
        cuda.record(self._events[0], stream)
        for port in self._inputs.values():
            cuda.to_device(port.address, port.pinned, stream)
        cuda.record(self._events[1], stream)
        self._enqueue_ms = self._compute()
        cuda.record(self._events[2], stream)
        for port in self._outputs.values():
            cuda.to_host(port.pinned, port.address, stream)
        cuda.record(self._events[3], stream)
        cuda.synchronise(stream)
        # Out of page-locked memory: what the caller holds stays readable after close().
        for name, port in self._outputs.items():
            np.copyto(self._results[name], port.pinned)
        return self._results

    def timings(self) -> Timings:
        """Of the last call of `infer`.

        Raises:
            WrongThreadError: as `infer`.
        """
        self._check_thread()
        first, second, third, fourth = self._events
        return Timings(
            h2d_ms=self._cuda.elapsed_ms(first, second),
            compute_ms=self._cuda.elapsed_ms(second, third),
            d2h_ms=self._cuda.elapsed_ms(third, fourth),
            enqueue_ms=self._enqueue_ms,
        )

    def close(self) -> None:
        """Give everything back, in the order that CUDA needs; a second call does nothing.

        Raises:
            WrongThreadError: as `infer`; nothing was given back.
        """
        self._check_thread()
        if self._closed:
            return
        self._closed = True
        cuda, stream, graph = self._cuda, self._stream, self._graph
        if stream is not None:
            self._give_back(cuda.synchronise, stream)
        if graph is not None:
            self._give_back(cuda.destroy_graph, graph)
        # The context uses the engine, the engine the runtime, and all of them the device memory below.
        self._context = None
        self._engine = None
        self._runtime = None
        for port in (*self._inputs.values(), *self._outputs.values()):
            self._give_back(cuda.free_device, port.address)
            self._give_back(cuda.free_pinned, port.pinned)
        self._inputs, self._outputs = {}, {}
        for event in self._events:
            self._give_back(cuda.destroy_event, event)
        if stream is not None:
            self._give_back(cuda.destroy_stream, stream)
        self._give_back(cuda.close)

    @staticmethod
    def _give_back(call: Callable[..., None], *arguments: Any) -> None:
        # After a fault of the device every call fails; `infer` has told it, and closing must not hide that.
        with suppress(EngineError):
            call(*arguments)

    @property
    def _open_stream(self) -> int:
        assert self._stream is not None
        return self._stream

    def _check_thread(self) -> None:
        here = threading.current_thread()
        if here is not self._owner:
            raise WrongThreadError(
                f"engine {self._name}: used in thread '{here.name}', but it belongs to thread '{self._owner.name}', "
                "which made it; use it there, or load another one"
            )

    def _load(self, plan: CheckedPlan, trt: Any) -> None:
        self._log.taken()
        self._runtime = trt.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(plan.content)
        if self._engine is None:
            raise PlanError(
                f"{plan.file.path}: TensorRT cannot load it ({self._log.taken()}); build it on this device: "
                f"`{plan.file.rebuild}`",
                "plan",
            )
        self._context = self._engine.create_execution_context()
        if self._context is None:
            free, total = self._cuda.memory_info()
            raise EngineError(
                f"engine {self._name}: TensorRT cannot make a context ({self._log.taken()}); {free >> 20} of "
                f"{total >> 20} MiB of GPU memory are free: close what else uses it"
            )

    def _allocate(self, trt: Any) -> None:
        cuda, engine = self._cuda, self._engine
        self._stream = cuda.create_stream()
        for _ in range(4):
            self._events.append(cuda.create_event())
        for index in range(engine.num_io_tensors):
            name = engine.get_tensor_name(index)
            shape = tuple(int(n) for n in engine.get_tensor_shape(name))
            if min(shape, default=1) < 1:
                raise EngineError(f"engine {self._name}: {name} has the open shape {list(shape)}; build it again")
            spec = TensorSpec(name, shape, np.dtype(trt.nptype(engine.get_tensor_dtype(name))))
            pinned = cuda.alloc_pinned(shape, spec.dtype)
            try:
                address = cuda.alloc_device(pinned.nbytes)
            except EngineError:
                cuda.free_pinned(pinned)
                raise
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            (self._inputs if is_input else self._outputs)[name] = _Port(spec, pinned, address)
            pinned.fill(0)
            if not self._context.set_tensor_address(name, address):
                raise EngineError(f"engine {self._name}: TensorRT refuses the address of {name}: {self._log.taken()}")
        self._results = {name: np.empty(port.spec.shape, port.spec.dtype) for name, port in self._outputs.items()}

    def _check_profile(self, plan: CheckedPlan) -> None:
        found = profile_of((*self._spec.inputs, *self._spec.outputs))
        if found != plan.sidecar.profile:
            raise PlanError(
                f"{plan.file.path}: profile differs: the plan has {_words(found)}, the sidecar says "
                f"{_words(plan.sidecar.profile)}; build it on this device: `{plan.file.rebuild}`",
                "profile",
            )

    def _capture(self) -> None:
        """Record the computation once; where that fails, every call hands it over layer by layer."""
        self._compute()  # TensorRT sets up on its first run what must not be recorded
        self._cuda.synchronise(self._open_stream)
        try:
            self._graph = self._recorded()
        except EngineError as error:
            self.graph_problem = str(error)

    def _recorded(self) -> int:
        cuda, stream = self._cuda, self._open_stream
        cuda.begin_capture(stream)
        try:
            self._execute()
        except EngineError:
            with suppress(EngineError):  # leaves the recording state; the first error is the one to tell
                cuda.destroy_graph(cuda.end_capture(stream))
            raise
        return cuda.end_capture(stream)

    def _compute(self) -> float:
        """Hand the computation over; gives the processor's time for that in ms."""
        started_ns = time.monotonic_ns()
        if self._graph is not None:
            self._cuda.launch(self._graph, self._open_stream)
        else:
            self._execute()
        return (time.monotonic_ns() - started_ns) / 1e6

    def _execute(self) -> None:
        if not self._context.execute_async_v3(self._open_stream):
            raise EngineError(f"engine {self._name}: TensorRT cannot run it: {self._log.taken()}")


def profile_of(tensors: tuple[TensorSpec, ...]) -> dict[str, str]:
    """Tensor -> 'uint8[1, 32, 256, 256, 3]', as a sidecar has it."""
    return {tensor.name: f"{tensor.dtype}{list(tensor.shape)}" for tensor in tensors}


def _words(profile: dict[str, str]) -> str:
    return ", ".join(f"{tensor} {form}" for tensor, form in sorted(profile.items()))
