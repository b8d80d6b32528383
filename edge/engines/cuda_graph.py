"""CUDA graphs through the driver's C interface: pycuda has no calls for them, and handles are the same everywhere.

Source: CUDA driver API reference, stream and graph management. `cuGraphInstantiateWithFlags` needs CUDA 11.4.
"""

from __future__ import annotations

import ctypes
from typing import Any

from edge.engines.cuda_driver import LIBRARY, error_name
from edge.errors import EngineError

_THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads of the process may use CUDA meanwhile."""


class CudaGraphs:
    """Capture, launch and destroy; a primary context must be current in the calling thread."""

    def __init__(self, driver: Any = None) -> None:
        self._driver = driver if driver is not None else ctypes.CDLL(LIBRARY)

    def begin_capture(self, stream: int) -> None:
        self._call("cuStreamBeginCapture_v2", ctypes.c_void_p(stream), _THREAD_LOCAL)

    def end_capture(self, stream: int) -> int:
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamEndCapture", ctypes.c_void_p(stream), ctypes.byref(graph))
        try:
            self._call("cuGraphInstantiateWithFlags", ctypes.byref(executable), graph, ctypes.c_ulonglong(0))
        finally:
            self._call("cuGraphDestroy", graph)
        return int(executable.value or 0)

    def launch(self, graph: int, stream: int) -> None:
        self._call("cuGraphLaunch", ctypes.c_void_p(graph), ctypes.c_void_p(stream))

    def destroy_graph(self, graph: int) -> None:
        self._call("cuGraphExecDestroy", ctypes.c_void_p(graph))

    def _call(self, function: str, *arguments: Any) -> None:
        code = getattr(self._driver, function)(*arguments)
        if code:
            raise EngineError(f"CUDA: {function} gives {error_name(self._driver, code)}")
