"""The GPU that tests run on: a fake one, or the card of this machine for tests marked `gpu`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.build_command import BuildOptions, build
from edge.bundle import Bundle
from edge.engines.cuda_driver import Device
from edge.engines.gpu import Gpu, find_gpu, platform_of
from edge.errors import NoGpuError
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.fake_trt import FakeTrt

ORIN = Device("Orin", "8.7", 8, 8 << 30, "12.6")


def fake_gpu(machine: FakeMachine, root: Path, version: str = "10.3.0", device: Device = ORIN) -> Gpu:
    """A Jetson Orin Nano; `root` holds its system files, none when it is empty."""
    trt = FakeTrt(machine, version)
    return Gpu(trt, platform_of(trt, device, root), machine.open)


def the_card() -> Gpu:
    try:
        return find_gpu()
    except NoGpuError as error:
        pytest.skip(str(error))


def build_all(bundle: Bundle, gpu: Gpu) -> None:
    """Every plan that the bundle has graphs for."""
    assert build(BuildOptions(bundle.path, "all", json=True), find=lambda: gpu) == 0
