"""What a measurement was made on: processor, board, clocks, power mode, versions."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge.engines.gpu import Gpu
from edge.jetson import board, clocks_pinned, jetpack, l4t, power_modes
from edge.precision import processor_can
from edge.sysfs import matching, read_int, read_text

PACKAGES = ("egoact", "numpy", "openvino", "onnxruntime", "av", "opencv-python-headless")


@dataclass(frozen=True)
class Machine:
    """None where the machine does not tell."""

    processor: str
    cores: int
    fast_precisions: tuple[str, ...]
    """In which the processor computes in hardware."""
    memory_gb: float | None
    kernel: str
    python: str
    board: str | None
    jetpack: str | None
    power_mode: str | None
    clocks_pinned: bool | None
    governor: str | None
    clock_mhz: float | None
    """Of the first core, when the measurement began."""
    load_1min: float
    """Load average before: programs that wanted the processor."""
    gpu: str | None
    """Name, compute capability, driver, CUDA, TensorRT."""
    packages: dict[str, str]


def machine_facts(root: Path = Path("/"), gpu: Gpu | None = None) -> Machine:
    """As it is now; `root` is where the files of the kernel lie."""
    cpuinfo = root / "proc/cpuinfo"
    text, release, modes = read_text(cpuinfo) or "", l4t(root), power_modes(root)
    policy = next(iter(matching(root / "sys/devices/system/cpu/cpufreq", "policy*")), None)
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    total = re.search(r"^MemTotal:\s*(\d+) kB", read_text(root / "proc/meminfo") or "", re.MULTILINE)
    return Machine(
        processor=model[1] if model else platform.machine(),
        cores=os.cpu_count() or 1,
        fast_precisions=tuple(p for p in ("f32", "bf16", "int8") if processor_can(p, cpuinfo)),
        memory_gb=int(total[1]) * 1024 / 1e9 if total else None,
        kernel=platform.release(),
        python=platform.python_version(),
        board=board(root),
        jetpack=jetpack(release) if release else None,
        power_mode=None if modes is None else modes.current_name,
        clocks_pinned=clocks_pinned(root),
        governor=read_text(policy / "scaling_governor") if policy else None,
        clock_mhz=_clock_mhz(policy, text),
        load_1min=os.getloadavg()[0],
        gpu=None if gpu is None else _gpu_text(gpu),
        packages={name: found for name in PACKAGES if (found := _version(name)) is not None},
    )


def _clock_mhz(policy: Path | None, cpuinfo: str) -> float | None:
    khz = read_int(policy / "scaling_cur_freq") if policy else None
    if khz is not None:
        return khz / 1000
    found = re.search(r"^cpu MHz\s*:\s*([\d.]+)$", cpuinfo, re.MULTILINE)
    return float(found[1]) if found else None


def _gpu_text(gpu: Gpu) -> str:
    p = gpu.platform
    parts = [f"{p.gpu} (SM {p.sm})", f"{p.module} {p.tensorrt}", f"CUDA {p.cuda}"]
    return ", ".join(parts + ([f"driver {p.driver}"] if p.driver else []))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
