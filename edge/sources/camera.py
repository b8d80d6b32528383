"""The camera that an address means: a V4L2 device, a network stream, or a GStreamer pipeline."""

from __future__ import annotations

from edge.contract import WindowSpec
from edge.sources.sensor import Sensor
from edge.sources.v4l2 import V4L2Camera
from edge.sources.v4l2_choice import CameraWish


def open_camera(
    address: str,
    spec: WindowSpec,
    *,
    fourcc: str | None = None,
    size: tuple[int, int] | None = None,
    rate_hz: float | None = None,
    latency_ms: float = 0.0,
) -> Sensor:
    """The sensor for `address`; nothing is opened before its `open`.

    address: /dev/videoN, /dev/v4l/by-id/..., or a part of a camera's name.
    fourcc, size (width, height in px), rate_hz: what the camera shall give; None lets the sensor choose.
    latency_ms: exposure and readout (or the network's delay), taken off every time stamp.
    """
    return V4L2Camera(address, spec, CameraWish(fourcc, size, rate_hz), latency_ms)
