"""CUDA through pycuda. Never `pycuda.autoinit`: it makes a context of its own, which TensorRT does not share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import DTypeLike, NDArray

from edge.engines.cuda_graph import CudaGraphs
from edge.errors import EngineError


class PycudaCuda:
    """`edge.engines.cuda_memory.Cuda` by pycuda; the primary context is pushed on the thread that opens it."""

    def __init__(self, driver: Any, graphs: CudaGraphs | None = None) -> None:
        """`driver` is the module pycuda.driver.

        Raises:
            EngineError: CUDA refuses.
        """
        self._driver = driver
        self._device: dict[int, Any] = {}
        self._streams: dict[int, Any] = {}
        self._graphs = graphs if graphs is not None else CudaGraphs()
        with _named_errors("context"):
            driver.init()
            self._context = driver.Device(0).retain_primary_context()
            self._context.push()

    def alloc_device(self, size_bytes: int) -> int:
        with _named_errors(f"{size_bytes} bytes of device memory"):
            allocation = self._driver.mem_alloc(size_bytes)
        address = int(allocation)
        self._device[address] = allocation
        return address

    def free_device(self, address: int) -> None:
        with _named_errors("free"):
            self._device.pop(address).free()

    def alloc_pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        with _named_errors(f"page-locked memory for {list(shape)}"):
            array: NDArray = self._driver.pagelocked_empty(shape, dtype)
        return array

    def free_pinned(self, array: NDArray) -> None:
        with _named_errors("free"):
            array.base.free()  # type: ignore[union-attr]  # pycuda's PagelockedHostAllocation

    def create_stream(self) -> int:
        non_blocking = 1  # CU_STREAM_NON_BLOCKING
        with _named_errors("stream"):
            stream = self._driver.Stream(non_blocking)
        handle = int(stream.handle)
        self._streams[handle] = stream
        return handle

    def destroy_stream(self, stream: int) -> None:
        del self._streams[stream]  # pycuda destroys it with its last reference

    def create_event(self) -> Any:
        with _named_errors("event"):
            return self._driver.Event()

    def record(self, event: Any, stream: int) -> None:
        with _named_errors("event"):
            event.record(self._streams[stream])

    def elapsed_ms(self, first: Any, second: Any) -> float:
        with _named_errors("event"):
            return float(second.time_since(first))

    def destroy_event(self, event: Any) -> None:
        """Nothing to call: pycuda destroys it with its last reference."""

    def to_device(self, address: int, array: NDArray, stream: int) -> None:
        with _named_errors("copy to the device"):
            self._driver.memcpy_htod_async(address, array, self._streams[stream])

    def to_host(self, array: NDArray, address: int, stream: int) -> None:
        with _named_errors("copy from the device"):
            self._driver.memcpy_dtoh_async(array, address, self._streams[stream])

    def synchronise(self, stream: int) -> None:
        with _named_errors("synchronise"):
            self._streams[stream].synchronize()

    def begin_capture(self, stream: int) -> None:
        self._graphs.begin_capture(stream)

    def end_capture(self, stream: int) -> int:
        return self._graphs.end_capture(stream)

    def launch(self, graph: int, stream: int) -> None:
        self._graphs.launch(graph, stream)

    def destroy_graph(self, graph: int) -> None:
        self._graphs.destroy_graph(graph)

    def memory_info(self) -> tuple[int, int]:
        free, total = self._driver.mem_get_info()
        return int(free), int(total)

    def close(self) -> None:
        if self._context is not None:
            self._context.pop()
            self._context = None


@contextmanager
def _named_errors(what: str) -> Iterator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:  # pycuda's classes of errors live in a module that needs a driver to be imported
        raise EngineError(f"CUDA: {what}: {error}") from error
