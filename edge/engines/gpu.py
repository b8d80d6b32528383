"""What TensorRT engines need of a machine: the driver's device, the TensorRT module, a way to CUDA."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from edge.engines.cuda_driver import Device, find_device
from edge.engines.cuda_memory import Cuda, open_cuda
from edge.errors import NoGpuError
from edge.jetson import jetpack, l4t
from edge.sysfs import read_text

RTX = "tensorrt_rtx"
MODULES = ("tensorrt", RTX)
"""In the order of preference; TensorRT-RTX is for desktop cards."""


@dataclass(frozen=True)
class Platform:
    """What a plan depends on: it runs where it was built and nowhere else."""

    module: str
    """'tensorrt' or 'tensorrt_rtx'"""
    tensorrt: str
    """'10.3.0'"""
    cuda: str
    """Newest CUDA that the driver knows"""
    driver: str
    """Version of the kernel driver; recorded, not compared: TensorRT does not depend on it beyond its CUDA"""
    l4t: str
    """Jetson Linux; '' on other machines"""
    jetpack: str
    """Named after `l4t`; '' when it is unknown"""
    gpu: str
    sm: str
    multiprocessors: int

    @property
    def device_key(self) -> str:
        """Folder of this device's plans: 'orin-sm87-8mp'. Without versions, so that an update is noticed and named."""
        name = "".join(char if char.isalnum() else "-" for char in self.gpu.lower()).strip("-")
        return f"{name}-sm{self.sm.replace('.', '')}-{self.multiprocessors}mp"


@dataclass(frozen=True)
class Gpu:
    """A device that TensorRT can run on, with all that its engines are made from."""

    trt: Any
    """The TensorRT module."""
    platform: Platform
    open_cuda: Callable[[], Cuda]


def find_gpu() -> Gpu:
    """Ask the driver first and import TensorRT only then.

    Raises:
        NoGpuError: no driver, no device, or no TensorRT for this Python.
    """
    device = find_device()
    trt = _import_tensorrt()
    return Gpu(trt, platform_of(trt, device), open_cuda)


def platform_of(trt: Any, device: Device, root: Path = Path("/")) -> Platform:
    """The versions that a plan is tied to; `root` is where the files of the system lie."""
    release = l4t(root) or ""
    return Platform(
        module=trt.__name__,
        tensorrt=trt.__version__,
        cuda=device.cuda,
        driver=_driver_version(root),
        l4t=release,
        jetpack=jetpack(release) or "",
        gpu=device.name,
        sm=device.sm,
        multiprocessors=device.multiprocessors,
    )


def _import_tensorrt() -> ModuleType:
    for name in MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise NoGpuError(
        "TensorRT is not installed for this Python (no module 'tensorrt'); on a Jetson it comes with JetPack: make the "
        "environment with `python3 -m venv --system-site-packages`; elsewhere: pip install tensorrt"
    )


def _driver_version(root: Path) -> str:
    # "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 ..."
    words = (read_text(root / "proc/driver/nvidia/version") or "").split()
    return next((word for word in words if word[0].isdigit() and word.replace(".", "").isdigit()), "")
