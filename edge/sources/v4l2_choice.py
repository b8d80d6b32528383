"""Which of a camera's formats, sizes and rates to take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from edge.errors import SourceError, UsageError
from edge.sources.frame_decoder import CODECS, RAW_LAYOUTS
from edge.sources.v4l2_ioctl import CameraFormat, FrameMode
from edge.text import printable

_USB_BYTES_PER_S = 20_000_000
"""What an uncompressed camera may take of USB 2, whose isochronous transfers carry 24.6 MB/s in all (USB 2.0, 5.6.3):
beyond it a second camera or a microphone on the same bus no longer fits."""

_ROUNDED = 1.02
"""29.97 Hz counts as 30 Hz."""

_MAX_LISTED = 6
_WISH = re.compile(
    r"(?P<fourcc>[A-Z0-9]{4})?[: ]?(?:(?P<width>[0-9]{1,5})x(?P<height>[0-9]{1,5}))?(?:@(?P<rate>[0-9.]{1,6}))?"
)


class CameraWish(NamedTuple):
    """What the user asked for; None where anything will do."""

    fourcc: str | None = None
    size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    rate_hz: float | None = None

    @classmethod
    def parse(cls, text: str) -> CameraWish:
        """From 'MJPG:1280x720@30' or some of its three parts: 'YUYV', '640x480', 'MJPG@30', '@15'.

        Raises:
            UsageError: it is none.
        """
        found = _WISH.fullmatch(text.strip().upper().replace("X", "x")) if text.strip() else None
        try:
            if found is None:
                raise ValueError
            size = (int(found["width"]), int(found["height"])) if found["width"] else None
            return cls(found["fourcc"], size, float(found["rate"]) if found["rate"] else None)
        except ValueError:
            raise UsageError(
                f"--camera-format {printable(text)}: not FORMAT, WIDTHxHEIGHT, @HZ or all, such as MJPG:1280x720@30; "
                "see `egoact devices`"
            ) from None

    def __str__(self) -> str:
        parts = (self.fourcc, self.size and f"{self.size[0]}x{self.size[1]}", self.rate_hz and f"{self.rate_hz:g} Hz")
        return " ".join(part for part in parts if part)


ANY_FORMAT = CameraWish()


def choose_mode(
    device: str, formats: Sequence[CameraFormat], bus_info: str, wish: CameraWish, size_px: int, rate_hz: float
) -> FrameMode:
    """The cheapest mode that loses nothing: short side and rate at least `size_px` and `rate_hz`, then fewest pixels.

    Uncompressed goes before JPEG as long as USB has room for it, H.264 (every frame must be decoded) comes last.
    Where no mode has both, the one that loses least. Raises SourceError when none is usable or none is as wished.
    """
    usable = [mode for entry in formats for mode in _modes(entry) if mode.fourcc in (*RAW_LAYOUTS, *CODECS)]
    if not usable:
        raise SourceError(_unusable(device, formats))
    wished = [mode for mode in usable if _is_as_wished(mode, wish)]
    if not wished:
        raise SourceError(f"{device}: does not offer {wish}; it offers {_listing(usable)}; see `egoact devices`")

    def preference(mode: FrameMode) -> tuple[float, ...]:
        rate = mode.rate_hz or rate_hz
        kept = min(1.0, rate * _ROUNDED / rate_hz) * min(1.0, min(mode.width, mode.height) / size_px)
        pixels = mode.width * mode.height
        raw = mode.fourcc in RAW_LAYOUTS
        too_wide = raw and bus_info.startswith("usb") and _bytes(mode) * rate > _USB_BYTES_PER_S
        effort = 0 if raw else 2 if mode.fourcc == "H264" else 1
        return (-kept, too_wide, pixels, effort, rate)

    return min(wished, key=preference)


def _modes(entry: CameraFormat) -> tuple[FrameMode, ...]:
    # A driver that lists no sizes is asked for the usual one and answers with what it has.
    return entry.modes or (FrameMode(entry.fourcc, 640, 480, 0.0),)


def _is_as_wished(mode: FrameMode, wish: CameraWish) -> bool:
    return (
        wish.fourcc in (None, mode.fourcc)
        and wish.size in (None, (mode.width, mode.height))
        and (wish.rate_hz is None or not mode.rate_hz or abs(mode.rate_hz / wish.rate_hz - 1) < _ROUNDED - 1)
    )


def _bytes(mode: FrameMode) -> float:
    layout = RAW_LAYOUTS[mode.fourcc]
    return mode.width * mode.height * layout.bytes_per_pixel * float(layout.rows_per_pixel_row)


def _unusable(device: str, formats: Sequence[CameraFormat]) -> str:
    offered = ", ".join(printable(entry.fourcc) for entry in formats) or "no format at all"
    return (
        f"{device}: gives only {offered}, none of which egoact reads; for a sensor without an image processor use its "
        "GStreamer source, such as --camera 'gst:nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx'"
    )


def _listing(modes: Sequence[FrameMode]) -> str:
    more = len(modes) - _MAX_LISTED
    return ", ".join(str(mode) for mode in modes[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
