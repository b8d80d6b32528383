"""Stand-ins for the libraries under the CUDA back ends: what they call, with which arguments, on ordinary memory.

Signatures as in pycuda 2026.1 (src/wrapper/wrap_cudadrv.cpp) and cuda-bindings 13.5 (cuda.bindings.runtime).
"""

from __future__ import annotations

import ctypes
import enum
from typing import Any

import numpy as np


class StubDriver:
    """libcuda for `find_device` and `CudaGraphs`: answers as an Orin, or with the error set for a call."""

    def __init__(self, fail: dict[str, int] | None = None, devices: int = 1, name: bytes = b"Orin") -> None:
        self.fail = fail or {}
        self.devices = devices
        self.name = name
        self.calls: list[str] = []

    def __getattr__(self, function: str) -> Any:
        if not function.startswith("cu"):
            raise AttributeError(function)

        def call(*arguments: Any) -> int:
            self.calls.append(function)
            if function == "cuGetErrorName":
                if arguments[0] == 100:
                    arguments[1]._obj.value = b"CUDA_ERROR_NO_DEVICE"
                    return 0
                return 1
            if function in self.fail:
                return self.fail[function]
            self._answer(function, arguments)
            return 0

        return call

    def _answer(self, function: str, arguments: tuple[Any, ...]) -> None:
        if function == "cuDeviceGetName":
            arguments[0].value = self.name
        elif function == "cuDeviceGetAttribute":
            arguments[0]._obj.value = {16: 8, 75: 8, 76: 7}[arguments[1]]
        elif function in ("cuGraphLaunch", "cuGraphExecDestroy", "cuGraphDestroy"):
            assert all(isinstance(argument, ctypes.c_void_p) for argument in arguments)
            self.calls[-1] += f" {arguments[0].value}"
        else:
            values = {
                "cuDeviceGetCount": self.devices,
                "cuDriverGetVersion": 12060,
                "cuDeviceGet": 0,
                "cuDeviceTotalMem_v2": 8 << 30,
                "cuStreamEndCapture": 71,
                "cuGraphInstantiateWithFlags": 72,
            }
            out = arguments[1] if function == "cuStreamEndCapture" else arguments[0]
            if function in values:
                out._obj.value = values[function]


def _at(address: int, size_bytes: int) -> Any:
    return (ctypes.c_ubyte * size_bytes).from_address(address)


class Allocation(bytearray):
    """Memory of the stub; freed once."""

    freed = False

    def free(self) -> None:
        assert not self.freed, "freed twice"
        self.freed = True

    def __int__(self) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(self))


class StubPycuda:
    """The module pycuda.driver."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.stream_flags: list[int] = []
        self.allocations: list[Allocation] = []
        self.error: Exception | None = None

    def init(self) -> None:
        pass

    def Device(self, ordinal: int) -> StubPycuda:
        assert ordinal == 0
        return self

    def retain_primary_context(self) -> StubPycuda:
        return self

    def push(self) -> None:
        self.stack.append("primary")

    def pop(self) -> None:
        self.stack.pop()

    def mem_alloc(self, size_bytes: int) -> Allocation:
        if self.error:
            raise self.error
        self.allocations.append(Allocation(size_bytes))
        return self.allocations[-1]

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        self.allocations.append(Allocation(int(np.prod(shape)) * np.dtype(dtype).itemsize))
        return np.ndarray(shape, dtype, buffer=self.allocations[-1])

    def Stream(self, flags: int = 0) -> Any:
        self.stream_flags.append(flags)
        return _PycudaStream()

    def Event(self) -> Any:
        return _PycudaEvent()

    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: Any) -> None:
        assert isinstance(stream, _PycudaStream)
        ctypes.memmove(dest, src.ctypes.data, src.nbytes)

    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: Any) -> None:
        assert isinstance(stream, _PycudaStream)
        ctypes.memmove(dest.ctypes.data, src, dest.nbytes)

    def mem_get_info(self) -> tuple[int, int]:
        return 1 << 30, 8 << 30


class _PycudaStream:
    handle = 0x5EA

    def synchronize(self) -> None:
        pass


class _PycudaEvent:
    at = 0.0

    def record(self, stream: Any) -> None:
        assert isinstance(stream, _PycudaStream)
        self.at += 1.5

    def time_since(self, other: _PycudaEvent) -> float:
        return self.at - other.at + 1.5


class _Error(enum.IntEnum):
    cudaSuccess, cudaErrorMemoryAllocation = 0, 2


class StubRuntime:
    """The module cuda.bindings.runtime: every call gives (error, results...)."""

    class cudaMemcpyKind(enum.IntEnum):
        cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost = 1, 2

    def __init__(self) -> None:
        self.memory: dict[int, Allocation] = {}
        self.pinned: set[int] = set()
        self.alive: set[int] = set()
        self.fail: set[str] = set()
        self.stream_flags: list[int] = []

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "__dict__").get("fail", ()):
            return lambda *arguments: (_Error.cudaErrorMemoryAllocation, None)
        return object.__getattribute__(self, name)

    def cudaSetDevice(self, device: int) -> tuple:
        assert device == 0
        return (_Error.cudaSuccess,)

    def cudaMalloc(self, size: int) -> tuple:
        allocation = Allocation(size)
        self.memory[int(allocation)] = allocation
        return _Error.cudaSuccess, int(allocation)

    def cudaHostAlloc(self, size: int, flags: int) -> tuple:
        error, address = self.cudaMalloc(size)
        self.pinned.add(address)
        return error, address

    def cudaFree(self, address: int) -> tuple:
        self.memory.pop(address).free()
        return (_Error.cudaSuccess,)

    def cudaFreeHost(self, address: int) -> tuple:
        return self.cudaFree(address)

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple:
        self.stream_flags.append(flags)
        self.alive.add(0x5EA)
        return _Error.cudaSuccess, 0x5EA

    def cudaStreamDestroy(self, stream: int) -> tuple:
        self.alive.remove(stream)
        return (_Error.cudaSuccess,)

    def cudaStreamSynchronize(self, stream: int) -> tuple:
        assert stream in self.alive
        return (_Error.cudaSuccess,)

    def cudaEventCreate(self) -> tuple:
        return _Error.cudaSuccess, _PycudaEvent()

    def cudaEventRecord(self, event: Any, stream: int) -> tuple:
        assert stream in self.alive
        event.record(_PycudaStream())
        return (_Error.cudaSuccess,)

    def cudaEventElapsedTime(self, first: Any, second: Any) -> tuple:
        return _Error.cudaSuccess, second.time_since(first)

    def cudaEventDestroy(self, event: Any) -> tuple:
        return (_Error.cudaSuccess,)

    def cudaMemcpyAsync(self, dst: int, src: int, count: int, kind: int, stream: int) -> tuple:
        host, device = (src, dst) if kind == self.cudaMemcpyKind.cudaMemcpyHostToDevice else (dst, src)
        assert device in self.memory.keys() - self.pinned
        assert host in self.pinned
        assert stream in self.alive
        ctypes.memmove(dst, src, count)
        return (_Error.cudaSuccess,)

    def cudaMemGetInfo(self) -> tuple:
        return _Error.cudaSuccess, 1 << 30, 8 << 30
