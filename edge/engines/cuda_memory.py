"""The handful of CUDA calls that an engine needs, behind one small interface.

Two implementations: pycuda (what JetPack users have) and cuda-python; whichever is installed is taken, pycuda first.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from edge.errors import NoGpuError


class Cuda(Protocol):
    """Memory, one or more streams, events and graphs on the first device, in its primary context.

    The thread that opened it is the only one that may use it. Addresses and stream handles are integers, as TensorRT
    takes them. Every call raises EngineError with CUDA's name of the error when CUDA refuses.
    """

    def alloc_device(self, size_bytes: int) -> int:
        """Device memory; its address."""
        ...

    def free_device(self, address: int) -> None: ...

    def alloc_pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """An array in page-locked memory, so that copies run beside computation; not initialised."""
        ...

    def free_pinned(self, array: NDArray) -> None:
        """Give the memory back; every view of `array` is void from now on."""
        ...

    def create_stream(self) -> int:
        """A stream that does not wait for the default stream; its handle."""
        ...

    def destroy_stream(self, stream: int) -> None: ...

    def create_event(self) -> Any: ...

    def record(self, event: Any, stream: int) -> None: ...

    def elapsed_ms(self, first: Any, second: Any) -> float:
        """Device time between two recorded events that both have passed."""
        ...

    def destroy_event(self, event: Any) -> None: ...

    def to_device(self, address: int, array: NDArray, stream: int) -> None:
        """Copy a whole pinned array to the device; returns before it is done."""
        ...

    def to_host(self, array: NDArray, address: int, stream: int) -> None:
        """Fill a whole pinned array from the device; returns before it is done."""
        ...

    def synchronise(self, stream: int) -> None:
        """Wait until everything in the stream is done; other Python threads go on."""
        ...

    def begin_capture(self, stream: int) -> None:
        """From now on the stream records what is put into it and does nothing."""
        ...

    def end_capture(self, stream: int) -> int:
        """What was recorded, ready to be launched; its handle."""
        ...

    def launch(self, graph: int, stream: int) -> None: ...

    def destroy_graph(self, graph: int) -> None: ...

    def memory_info(self) -> tuple[int, int]:
        """Free and total device memory in bytes."""
        ...

    def close(self) -> None:
        """Leave the primary context. What was not freed before goes with it."""
        ...


def open_cuda() -> Cuda:
    """The first of pycuda and cuda-python that is installed, opened for the calling thread.

    The driver must have been found before (`cuda_driver.find_device`): pycuda cannot be imported without one.

    Raises:
        NoGpuError: neither is installed.
        EngineError: CUDA refuses.
    """
    from edge.engines.cuda_bindings import BindingsCuda
    from edge.engines.cuda_pycuda import PycudaCuda

    openers: dict[str, Callable[[Any], Cuda]] = {"pycuda.driver": PycudaCuda, "cuda.bindings.runtime": BindingsCuda}
    for name, opener in openers.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return opener(module)
    raise NoGpuError(
        "neither pycuda nor cuda-python is installed; install one: pip install 'egoact[jetson]' (pycuda) "
        "or 'egoact[cuda]'"
    )
