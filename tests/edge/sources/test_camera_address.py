from __future__ import annotations

import pytest

from edge.contract import WindowSpec
from edge.errors import DeviceLostError, SourceError, UsageError
from edge.sources.camera import open_camera
from edge.sources.network_address import masked
from edge.sources.network_camera import NetworkCamera
from edge.sources.pipeline_camera import PipelineCamera
from edge.sources.v4l2 import V4L2Camera
from edge.sources.v4l2_choice import CameraWish

SPEC = WindowSpec(frame_size_px=128)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/dev/video0", V4L2Camera),
        ("/dev/v4l/by-id/usb-046d_C920-video-index0", V4L2Camera),
        ("C920", V4L2Camera),
        ("rtsp://cam.local/stream", NetworkCamera),
        ("HTTP://10.0.0.5:8080/video", NetworkCamera),
        ("udp://0.0.0.0:5000", NetworkCamera),
        ("gst:videotestsrc", PipelineCamera),
    ],
)
def test_the_address_chooses_the_kind(address: str, kind: type) -> None:
    assert isinstance(open_camera(address, SPEC), kind)


@pytest.mark.parametrize("address", ["", " ", "ftp://host/x", "file:///etc/passwd"])
def test_other_addresses_are_wrong_use(address: str) -> None:
    with pytest.raises(UsageError, match="--camera"):
        open_camera(address, SPEC)


def test_a_format_can_be_wished_only_of_a_camera_of_this_machine() -> None:
    with pytest.raises(UsageError, match="MJPG 640x480 30 Hz"):
        open_camera("rtsp://cam/x", SPEC, CameraWish("MJPG", (640, 480), 30))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://cam.local:554/live", "rtsp://cam.local:554/live"),
        ("rtsp://admin:pw@cam.local/live", "rtsp://***@cam.local/live"),
        ("rtsp://admin:p@w@cam.local/live", "rtsp://***@cam.local/live"),
        ("rtsp://admin:p/w@cam.local/live", "rtsp://***"),
        ("rtsp://admin:p?w@cam.local/live", "rtsp://***"),
        ("http://cam/video.cgi?user=admin&pwd=p@w", "http://***"),
        ("http://cam/video.cgi?user=admin&pwd=pw", "http://cam/video.cgi?***"),
        ("http://cam/\x1b[2J", "http://cam/\\x1b[2J"),
    ],
)
def test_secrets_of_an_address_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_a_camera_that_is_not_there_may_come_later() -> None:
    for address in ("/dev/video99", "a camera that nobody has"):
        sensor = open_camera(address, SPEC)
        with pytest.raises(DeviceLostError, match="egoact devices"):
            sensor.open(0)
        assert sensor.facts().delivered == 0
        sensor.close()


def test_a_file_that_is_no_camera_is_told() -> None:
    with pytest.raises(SourceError, match="/dev/null: is not a camera"):
        open_camera("/dev/null", SPEC).open(0)
