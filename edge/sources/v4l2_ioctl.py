"""What a V4L2 device is and can do, and how it is told: the kernel's ioctls."""

from __future__ import annotations

import ctypes
import errno
import fcntl
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from edge.sources.v4l2_structs import (
    CAPTURE,
    ENUM_FMT,
    ENUM_FRAMEINTERVALS,
    ENUM_FRAMESIZES,
    G_PARM,
    QUERYCAP,
    S_FMT,
    S_PARM,
    Capability,
    Format,
    FormatDescription,
    IntervalEntry,
    PixelFormat,
    SizeEntry,
    StreamParameters,
)

_CAP_VIDEO_CAPTURE, _CAP_STREAMING = 0x0000_0001, 0x0400_0000
_CAP_DEVICE_CAPS = 0x8000_0000
_CAP_TIMEPERFRAME = 0x1000
_DISCRETE = 1

_MAX_ENTRIES = 256
"""No device lists more formats, sizes or rates: a driver that never says "no more" must not hang us."""

_Entry = TypeVar("_Entry", bound=ctypes.Structure)

_COMMON_SIZES = ((320, 180), (320, 240), (640, 360), (640, 480), (960, 540), (1280, 720), (1920, 1080))
"""What is asked of a device that takes any size of a range."""


class DeviceCapability(NamedTuple):
    """Who a device is, and whether it is a camera at all."""

    driver: str
    card: str
    """Name for people, such as 'HD Pro Webcam C920'."""
    bus_info: str
    """Where it is plugged in: 'usb-0000:00:14.0-1', 'platform:...'."""
    captures_video: bool
    """False for the metadata nodes that many cameras have beside their video node."""


class FrameMode(NamedTuple):
    """One way in which a camera can deliver."""

    fourcc: str
    width: int
    height: int
    rate_hz: float
    """Frames a second; 0 when the device does not tell."""

    def __str__(self) -> str:
        rate = f" @ {self.rate_hz:.4g} Hz" if self.rate_hz else ""
        return f"{self.fourcc} {self.width}x{self.height}{rate}"


class CameraFormat(NamedTuple):
    """One pixel format with every size and rate that the device offers in it."""

    fourcc: str
    description: str
    modes: tuple[FrameMode, ...]


def query_cap(fd: int) -> DeviceCapability:
    """Raises OSError (ENOTTY, EINVAL) when the file is no V4L2 device."""
    cap = Capability()
    fcntl.ioctl(fd, QUERYCAP, cap)
    flags = cap.device_caps if cap.capabilities & _CAP_DEVICE_CAPS else cap.capabilities
    card, driver, bus_info = (text.decode(errors="replace") for text in (cap.card, cap.driver, cap.bus_info))
    wanted = _CAP_VIDEO_CAPTURE | _CAP_STREAMING
    return DeviceCapability(driver, card, bus_info, flags & wanted == wanted)


def list_formats(fd: int) -> tuple[CameraFormat, ...]:
    """Every pixel format of a capture device, in the driver's order. Raises OSError when the device is gone."""
    formats = []
    for entry in _entries(fd, ENUM_FMT, lambda index: FormatDescription(index=index, type=CAPTURE)):
        modes = tuple(
            FrameMode(fourcc_text(entry.pixelformat), width, height, rate_hz)
            for width, height in _sizes(fd, entry.pixelformat)
            for rate_hz in _rates_hz(fd, entry.pixelformat, width, height)
        )
        formats.append(CameraFormat(fourcc_text(entry.pixelformat), entry.description.decode(errors="replace"), modes))
    return tuple(formats)


def _sizes(fd: int, pixelformat: int) -> Iterator[tuple[int, int]]:
    for entry in _entries(fd, ENUM_FRAMESIZES, lambda index: SizeEntry(index=index, pixel_format=pixelformat)):
        if entry.type == _DISCRETE:
            yield entry.size[0], entry.size[1]
            continue
        low_w, high_w, step_w, low_h, high_h, step_h = entry.size
        for width, height in _COMMON_SIZES:
            fits = low_w <= width <= high_w and low_h <= height <= high_h
            if fits and not (width - low_w) % (step_w or 1) and not (height - low_h) % (step_h or 1):
                yield width, height
        return


def _rates_hz(fd: int, pixelformat: int, width: int, height: int) -> list[float]:
    """Offered rates; [0.0] when the device does not tell."""

    def at(index: int) -> IntervalEntry:
        return IntervalEntry(index=index, pixel_format=pixelformat, width=width, height=height)

    rates: list[float] = []
    for entry in _entries(fd, ENUM_FRAMEINTERVALS, at):
        numerator, denominator, longest_numerator, longest_denominator = entry.interval[:4]
        if entry.type == _DISCRETE:
            rates.append(_rate_hz(numerator, denominator))
            continue
        highest_hz, lowest_hz = _rate_hz(numerator, denominator), _rate_hz(longest_numerator, longest_denominator)
        return [highest_hz, *(hz for hz in (60.0, 30.0, 15.0) if lowest_hz <= hz < highest_hz)]
    return rates or [0.0]


def _rate_hz(numerator: int, denominator: int) -> float:
    return denominator / numerator if numerator else 0.0


def _entries(fd: int, request: int, at: Callable[[int], _Entry]) -> Iterator[_Entry]:
    """The entries of an ENUM ioctl until the driver says that there are no more."""
    for index in range(_MAX_ENTRIES):
        entry = at(index)
        try:
            fcntl.ioctl(fd, request, entry)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return
            raise
        yield entry


def set_mode(fd: int, mode: FrameMode) -> tuple[FrameMode, PixelFormat]:
    """Ask for a mode. Returns what the device really took, which may be another, and its memory layout.

    Raises OSError (EBUSY when another program captures).
    """
    asked = Format(type=CAPTURE)
    pix = asked.fmt.pix
    pix.width, pix.height, pix.pixelformat, pix.field = mode.width, mode.height, fourcc_number(mode.fourcc), 1
    fcntl.ioctl(fd, S_FMT, asked)
    return FrameMode(fourcc_text(pix.pixelformat), pix.width, pix.height, _set_rate_hz(fd, mode.rate_hz)), pix


def _set_rate_hz(fd: int, rate_hz: float) -> float:
    """The rate that the device gives after it was asked for `rate_hz`; 0 when it does not tell."""
    parameters = StreamParameters(type=CAPTURE)
    try:
        fcntl.ioctl(fd, G_PARM, parameters)
        if parameters.capability & _CAP_TIMEPERFRAME and rate_hz:
            parameters.numerator, parameters.denominator = 1000, round(rate_hz * 1000)
            fcntl.ioctl(fd, S_PARM, parameters)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return 0.0
        raise
    return _rate_hz(parameters.numerator, parameters.denominator)


def fourcc_text(number: int) -> str:
    """Four characters of a pixel format, as v4l2-ctl writes them; strange ones become '?'."""
    letters = bytes(number >> shift & 0x7F for shift in (0, 8, 16, 24))
    return "".join(chr(c) if 32 <= c < 127 else "?" for c in letters).rstrip()


def fourcc_number(text: str) -> int:
    """A pixel format's four letters as V4L2's number, little endian."""
    return int.from_bytes(text.encode("ascii").ljust(4), "little")
