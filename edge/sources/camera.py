"""The camera that an address means: a V4L2 device, a network stream, or a GStreamer pipeline."""

from __future__ import annotations

from edge.contract import WindowSpec
from edge.errors import UsageError
from edge.sources.network_address import SCHEMES, is_network, scheme_of
from edge.sources.network_camera import NetworkCamera
from edge.sources.pipeline_camera import PREFIX, PipelineCamera
from edge.sources.sensor import Sensor
from edge.sources.v4l2 import V4L2Camera
from edge.sources.v4l2_choice import ANY_FORMAT, CameraWish


def open_camera(address: str, spec: WindowSpec, wish: CameraWish = ANY_FORMAT, latency_ms: float = 0.0) -> Sensor:
    """The sensor for `address`; nothing is opened before its `open`.

    address: /dev/videoN, /dev/v4l/by-id/..., a part of a camera's name; rtsp(s)://, http(s)://, udp:// or tcp:// (these
    two: MPEG-TS); gst:PIPELINE.
    wish: what a V4L2 camera shall give.
    latency_ms: exposure and readout, or the network's shortest delay, taken off every time stamp.
    Raises UsageError when nothing can be meant by the address, or a format is wished of a camera that sets its own.
    """
    own_format = address.startswith(PREFIX) or bool(scheme_of(address))
    if own_format and wish != ANY_FORMAT:
        raise UsageError(
            f"{wish}: only a camera of this machine can be asked for a format; set it in the camera itself"
        )
    if address.startswith(PREFIX):
        return PipelineCamera(address, spec, latency_ms)
    if is_network(address):
        return NetworkCamera(address, spec, latency_ms)
    if scheme_of(address) or not address.strip():
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UsageError(
            f"--camera {scheme_of(address)}://: give a device, a part of its name, {known} or {PREFIX}PIPELINE"
        )
    return V4L2Camera(address, spec, wish, latency_ms)
