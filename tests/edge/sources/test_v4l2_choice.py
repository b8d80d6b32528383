from __future__ import annotations

import pytest

from edge.errors import SourceError, UsageError
from edge.sources.v4l2_choice import CameraWish, choose_mode
from edge.sources.v4l2_ioctl import CameraFormat, FrameMode

ANY = CameraWish()


def formats(*modes: str) -> list[CameraFormat]:
    """From 'YUYV 640x480 30 15' and the like."""
    offered = []
    for text in modes:
        fourcc, size, *rates = text.split()
        width, height = map(int, size.split("x"))
        rates = rates or ["0"]
        offered.append(CameraFormat(fourcc, "", tuple(FrameMode(fourcc, width, height, float(r)) for r in rates)))
    return offered


def choose(*modes: str, bus: str = "usb-1", wish: CameraWish = ANY, size_px: int = 256) -> str:
    return str(choose_mode("cam", formats(*modes), bus, wish, size_px, 30))


WEBCAM = (
    *("YUYV 160x120 30", "YUYV 320x240 30", "YUYV 640x480 30 15", "YUYV 1280x720 10"),
    *("MJPG 320x240 30", "MJPG 640x480 60 30", "MJPG 1280x720 60 30"),
)


def test_the_smallest_size_and_rate_that_lose_nothing_are_taken() -> None:
    assert choose(*WEBCAM) == "YUYV 640x480 @ 30 Hz"
    assert choose(*WEBCAM, size_px=128) == "YUYV 320x240 @ 30 Hz"
    assert choose(*WEBCAM, size_px=720) == "MJPG 1280x720 @ 30 Hz"
    assert choose("MJPG 640x480 60") == "MJPG 640x480 @ 60 Hz"
    assert choose("YUYV 640x360 29.97 60") == "YUYV 640x360 @ 29.97 Hz"


def test_uncompressed_frames_that_would_fill_usb_give_way_to_jpeg() -> None:
    modes = ("YUYV 1280x720 30", "MJPG 1280x720 30")
    assert choose(*modes) == "MJPG 1280x720 @ 30 Hz"
    assert choose(*modes, bus="platform:csi") == "YUYV 1280x720 @ 30 Hz"
    assert choose("YUYV 1280x720 30") == "YUYV 1280x720 @ 30 Hz"


def test_h264_comes_last_but_is_better_than_too_few_pixels() -> None:
    assert choose("H264 640x480 30", "MJPG 640x480 30") == "MJPG 640x480 @ 30 Hz"
    assert choose("H264 640x480 30", "YUYV 160x120 30") == "H264 640x480 @ 30 Hz"


def test_without_a_sufficient_mode_the_one_that_loses_least() -> None:
    assert choose("YUYV 640x480 10", "YUYV 320x240 30") == "YUYV 320x240 @ 30 Hz"
    assert choose("YUYV 640x480 25", "YUYV 160x120 30") == "YUYV 640x480 @ 25 Hz"
    assert choose("YUYV 640x480") == "YUYV 640x480"  # the rate is not told


def test_wishes_are_followed_or_refused_with_what_there_is() -> None:
    assert choose(*WEBCAM, wish=CameraWish("MJPG")) == "MJPG 640x480 @ 30 Hz"
    assert choose(*WEBCAM, wish=CameraWish(None, (1280, 720), 60)) == "MJPG 1280x720 @ 60 Hz"
    with pytest.raises(
        SourceError, match=r"cam: does not offer NV12; it offers YUYV 160x120 @ 30 Hz.* and 4 more; see"
    ):
        choose(*WEBCAM, wish=CameraWish("NV12"))


def test_a_sensor_without_an_image_processor_is_sent_to_gstreamer() -> None:
    with pytest.raises(SourceError, match=r"cam: gives only RG10, .*gst:nvarguscamerasrc"):
        choose("RG10 3280x2464 21")


def test_a_driver_that_lists_no_sizes_is_asked_for_the_usual_one() -> None:
    chosen = choose_mode("cam", [CameraFormat("YUYV", "", ())], "usb", ANY, 256, 30)
    assert (chosen.width, chosen.height) == (640, 480)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("MJPG:1280x720@30", CameraWish("MJPG", (1280, 720), 30.0)),
        ("mjpg 1280X720", CameraWish("MJPG", (1280, 720))),
        ("640x480", CameraWish(size=(640, 480))),
        ("YUYV@29.97", CameraWish("YUYV", rate_hz=29.97)),
        ("@15", CameraWish(rate_hz=15.0)),
    ],
)
def test_a_wish_is_read(text: str, wish: CameraWish) -> None:
    assert CameraWish.parse(text) == wish


@pytest.mark.parametrize(
    "text", ["", " ", "MJPEG", "1280x", "640x480@", "640x480@1.2.3", "30", "MJPG:640x480@30 fps", "\x1b[2J"]
)
def test_what_is_no_wish_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"--camera-format .*MJPG:1280x720@30"):
        CameraWish.parse(text)
