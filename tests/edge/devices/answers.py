"""What made-up cameras answer when they are asked."""

from __future__ import annotations

from edge.devices.ask import Abilities
from edge.errors import SourceError
from edge.sources.v4l2_ioctl import CameraFormat, FrameMode


def modes(fourcc: str, sizes: tuple[tuple[int, int], ...], rates_hz: tuple[float, ...]) -> tuple[FrameMode, ...]:
    return tuple(FrameMode(fourcc, width, height, rate) for width, height in sizes for rate in rates_hz)


SIZES = ((1920, 1080), (1600, 896), (1280, 720), (960, 720), (864, 480), (800, 600), (640, 480), (320, 240))
WEBCAM = Abilities(
    kind="capture",
    driver="uvcvideo",
    formats=(
        CameraFormat("YUYV", "YUYV 4:2:2", modes("YUYV", SIZES[4:], (30, 15)) + modes("YUYV", SIZES[:1], (5,))),
        CameraFormat("MJPG", "Motion-JPEG", modes("MJPG", SIZES, (30, 24, 15, 7.5))),
    ),
)
METADATA = Abilities("metadata", "uvcvideo", ())
CSI = Abilities("capture", "tegra-video", (CameraFormat("RG10", "10-bit Bayer", ()),))


def ask_webcam(node: str) -> Abilities:
    return {"/dev/video0": WEBCAM, "/dev/video1": METADATA, "/dev/video2": CSI}[node]


def ask_refused(node: str) -> Abilities:
    raise SourceError(f"{node} may not be opened by this user: sudo usermod -aG video $USER, then log in again")
