"""CUDA and TensorRT. TensorRT is only asked for where a driver answers: without one its runtime crashes."""

from __future__ import annotations

from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.doctor.probe import ProbeError
from edge.jetson import l4t
from edge.sysfs import matching

_CUDA_PACKAGES = ("pycuda", "cuda-bindings", "cuda-python")


def cuda(host: Host) -> list[Finding]:
    """Whether the driver, the GPU and a TensorRT can be used."""
    is_jetson = l4t(host.root) is not None
    try:
        device = host.probe("cuda")
    except ProbeError as error:
        if not error.missing:
            return [Finding("CUDA", "warning", f"{error}; the processor computes", "nvidia-smi")]
        if is_jetson:
            value = f"{error}; the processor computes"
            return [Finding("CUDA", "warning", value, "sudo apt install -y nvidia-jetpack")]
        return [Finding("CUDA", "ok", "no NVIDIA GPU: the processor computes")]
    return [Finding("CUDA", "ok", f"{device['cuda']}, {device['name']}, SM {device['sm']}")]


def tensorrt(host: Host) -> list[Finding]:
    """Only asked for where there is a GPU."""
    if not has_gpu(host):
        return []
    try:
        platform = host.probe("tensorrt")
    except ProbeError as error:
        return [_no_tensorrt(host, error)]
    return [Finding("TensorRT", "ok", f"{platform['module']} {platform['tensorrt']}")]


def _no_tensorrt(host: Host, error: ProbeError) -> Finding:
    if not error.missing:
        return Finding(
            "TensorRT", "warning", f"{error}; the processor computes", "sudo apt install -y --reinstall tensorrt"
        )
    if host.in_venv and matching(host.file("usr/lib"), "python3*/dist-packages/tensorrt"):
        value = "the system has it, but this virtual environment does not see it"
        mend = "sed -i '/^include-system/s/false/true/' $VIRTUAL_ENV/pyvenv.cfg"
        return Finding("TensorRT", "warning", value, mend)
    mend = "sudo apt install -y python3-libnvinfer" if l4t(host.root) else "pip install tensorrt"
    return Finding("TensorRT", "warning", "not installed: the processor computes", mend)


def cuda_python(host: Host) -> list[Finding]:
    """The library through which Python talks to CUDA; either will do."""
    if not has_gpu(host):
        return []
    for package in _CUDA_PACKAGES:
        version = host.package_version(package)
        if version is not None:
            return [Finding("CUDA Python", "ok", f"{package} {version}")]
    value = "neither pycuda nor cuda-python: the processor computes"
    return [Finding("CUDA Python", "warning", value, "pip install 'egoact[jetson]'")]


def has_gpu(host: Host) -> bool:
    """Whether the NVIDIA driver answers and has a device."""
    try:
        host.probe("cuda")
    except ProbeError:
        return False
    return True
