"""What a live run was asked to do, for the supervisor that does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from edge.contract import Modality, WindowSpec
from edge.precision import AUTO
from edge.sources.camera import open_camera
from edge.sources.network_address import is_network, masked, without_secrets
from edge.sources.v4l2_choice import ANY_FORMAT, CameraWish
from edge.text import printable

RING_S = 8.0
MOMENTS = Path("moments")


@dataclass(frozen=True)
class SensorPlan:
    """A sensor by the function that makes it, because it is made in a process of its own."""

    modality: Modality
    asked: str
    """What the user called it."""
    factory: str
    """'module:function' -> Sensor"""
    arguments: tuple[Any, ...]
    required: bool = True
    """Without it at the start there is no run; once it ran, it may come and go."""


@dataclass(frozen=True)
class LivePlan:
    """One run."""

    bundle: Bundle
    sensors: tuple[SensorPlan, ...]
    threads: int
    precision: str = AUTO
    backend: str = AUTO
    jsonl: Path | None = None
    ring_s: float = RING_S
    moments: Path = MOMENTS
    """Where flagged moments are saved; made with the first of them."""
    record: Path | None = None
    """Folder of the rolling recording."""

    @property
    def title(self) -> str:
        return "live: " + " and ".join(sensor.asked for sensor in self.sensors)


def camera_plan(address: str, spec: WindowSpec, wish: CameraWish = ANY_FORMAT, latency_ms: float = 0.0) -> SensorPlan:
    """The camera at an address of `edge/sources/camera.py`; see `open_camera` there.

    Raises:
        UsageError: nothing can be meant by the address, or it cannot be asked for a format.
    """
    open_camera(address, spec, wish, latency_ms)
    shown = masked(address) if is_network(address) else printable(without_secrets(address))
    return SensorPlan("video", shown, "edge.sources.camera:open_camera", (address, spec, wish, latency_ms))


def microphone_plan(device: str | None, spec: WindowSpec, rate_hz: int | None = None) -> SensorPlan:
    """The microphone that was named; None is the default one, which need not be there. `rate_hz`: its own rate."""
    asked = device or "default microphone"
    arguments = (device or "default", spec, rate_hz)
    return SensorPlan("audio", asked, "edge.sources.microphone:Microphone", arguments, required=device is not None)
