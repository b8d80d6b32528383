"""CUDA through cuda-python (`cuda.bindings.runtime`): wheels for x86 and ARM, no compiler needed."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edge.engines.cuda_graph import CudaGraphs
from edge.errors import EngineError

_NON_BLOCKING = 1  # cudaStreamNonBlocking


class BindingsCuda:
    """`edge.engines.cuda_memory.Cuda` by cuda-python; its runtime calls work in the primary context by themselves."""

    def __init__(self, runtime: Any, graphs: CudaGraphs | None = None) -> None:
        """`runtime` is the module cuda.bindings.runtime.

        Raises:
            EngineError: CUDA refuses.
        """
        self._runtime = runtime
        self._pinned: dict[int, int] = {}
        """Address of an array -> its allocation."""
        self._call("cudaSetDevice", 0)
        self._graphs = graphs if graphs is not None else CudaGraphs()

    def alloc_device(self, size_bytes: int) -> int:
        return int(self._call("cudaMalloc", size_bytes))

    def free_device(self, address: int) -> None:
        self._call("cudaFree", address)

    def alloc_pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = int(self._call("cudaHostAlloc", size_bytes, 0))
        memory = (ctypes.c_ubyte * size_bytes).from_address(address)
        array = np.frombuffer(memoryview(memory), dtype).reshape(shape)
        self._pinned[array.ctypes.data] = address
        return array

    def free_pinned(self, array: NDArray) -> None:
        self._call("cudaFreeHost", self._pinned.pop(array.ctypes.data))

    def create_stream(self) -> int:
        return int(self._call("cudaStreamCreateWithFlags", _NON_BLOCKING))

    def destroy_stream(self, stream: int) -> None:
        self._call("cudaStreamDestroy", stream)

    def create_event(self) -> Any:
        return self._call("cudaEventCreate")

    def record(self, event: Any, stream: int) -> None:
        self._call("cudaEventRecord", event, stream)

    def elapsed_ms(self, first: Any, second: Any) -> float:
        return float(self._call("cudaEventElapsedTime", first, second))

    def destroy_event(self, event: Any) -> None:
        self._call("cudaEventDestroy", event)

    def to_device(self, address: int, array: NDArray, stream: int) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, array.ctypes.data, array.nbytes, kind, stream)

    def to_host(self, array: NDArray, address: int, stream: int) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", array.ctypes.data, address, array.nbytes, kind, stream)

    def synchronise(self, stream: int) -> None:
        self._call("cudaStreamSynchronize", stream)

    def begin_capture(self, stream: int) -> None:
        self._graphs.begin_capture(stream)

    def end_capture(self, stream: int) -> int:
        return self._graphs.end_capture(stream)

    def launch(self, graph: int, stream: int) -> None:
        self._graphs.launch(graph, stream)

    def destroy_graph(self, graph: int) -> None:
        self._graphs.destroy_graph(graph)

    def memory_info(self) -> tuple[int, int]:
        free, total = self._call("cudaMemGetInfo")
        return int(free), int(total)

    def close(self) -> None:
        """Nothing to leave: the runtime holds the primary context until the process ends."""

    def _call(self, function: str, *arguments: Any) -> Any:
        code, *results = getattr(self._runtime, function)(*arguments)
        if int(code):
            raise EngineError(f"CUDA: {function} gives {code.name}")
        return results[0] if len(results) == 1 else tuple(results)
