"""The NVIDIA driver, asked through ctypes before any library that needs it is imported.

TensorRT's runtime without a driver logs error 35, hands out an object, and then crashes the interpreter at its exit
(seen with tensorrt_lean 11.4). So nothing of TensorRT is touched before `find_device` has answered.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

from edge.errors import NoGpuError

LIBRARY = "libcuda.so.1"
# CUdevice_attribute, CUDA driver API reference.
_MULTIPROCESSOR_COUNT, _MAJOR, _MINOR = 16, 75, 76


class Device(NamedTuple):
    """The first CUDA device."""

    name: str
    """'Orin', 'NVIDIA H100 80GB HBM3'"""
    sm: str
    """Compute capability: '8.7'"""
    multiprocessors: int
    """All Orin modules are named 'Orin'; this tells a Nano from an AGX."""
    memory_bytes: int
    cuda: str
    """Newest CUDA that the driver knows: '12.6'"""


def find_device(load: Callable[[str], Any] = ctypes.CDLL) -> Device:
    """Ask the driver for its first device; makes no context and allocates nothing on the device.

    Raises:
        NoGpuError: no driver library, it does not start, or it has no device.
    """
    try:
        driver = load(LIBRARY)
    except OSError:
        raise NoGpuError(f"no NVIDIA driver here ({LIBRARY} cannot be loaded)") from None

    def ask(function: str, *arguments: Any) -> None:
        code = getattr(driver, function)(*arguments)
        if code:
            raise NoGpuError(f"the NVIDIA driver does not work: {function} gives {error_name(driver, code)}")

    count, version, ordinal = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    ask("cuInit", 0)
    ask("cuDeviceGetCount", ctypes.byref(count))
    if count.value == 0:
        raise NoGpuError("the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES set?)")
    ask("cuDriverGetVersion", ctypes.byref(version))
    ask("cuDeviceGet", ctypes.byref(ordinal), 0)
    name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
    ask("cuDeviceGetName", name, len(name), ordinal)
    ask("cuDeviceTotalMem_v2", ctypes.byref(memory), ordinal)
    numbers = []
    for attribute in (_MAJOR, _MINOR, _MULTIPROCESSOR_COUNT):
        value = ctypes.c_int()
        ask("cuDeviceGetAttribute", ctypes.byref(value), attribute, ordinal)
        numbers.append(value.value)
    return Device(
        name=name.value.decode(errors="replace"),
        sm=f"{numbers[0]}.{numbers[1]}",
        multiprocessors=numbers[2],
        memory_bytes=memory.value,
        cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
    )


def error_name(driver: Any, code: int) -> str:
    """'CUDA_ERROR_NO_DEVICE' for 100; the number where the driver does not know it."""
    text = ctypes.c_char_p()
    known = driver.cuGetErrorName(code, ctypes.byref(text)) == 0 and text.value
    return text.value.decode() if known and text.value else f"error {code}"
