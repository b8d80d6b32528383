"""The kernel's V4L2 structures and ioctl numbers through ctypes.

Layouts and numbers are those of <linux/videodev2.h> for single-planar capture; tests compare them with the header.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_long, c_uint8, c_uint32

CAPTURE = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE."""
MMAP = 1
"""V4L2_MEMORY_MMAP."""


class Capability(ctypes.Structure):
    """struct v4l2_capability (linux/videodev2.h): the driver, the card, and what they can do."""

    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FormatDescription(ctypes.Structure):
    """struct v4l2_fmtdesc (linux/videodev2.h): one pixel format of a device."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class SizeEntry(ctypes.Structure):
    """`size`: width, height when discrete, else min, max and step of the width, then of the height."""

    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("size", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class IntervalEntry(ctypes.Structure):
    """`interval`: numerator, denominator in s when discrete, else those of the shortest, the longest and the step."""

    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("interval", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class PixelFormat(ctypes.Structure):
    """struct v4l2_pix_format (linux/videodev2.h): size in pixels, format, and bytes a line."""

    _fields_ = tuple(
        (name, c_uint32)
        for name in (
            *("width", "height", "pixelformat", "field", "bytesperline", "sizeimage"),
            *("colorspace", "priv", "flags", "ycbcr_enc", "quantization", "xfer_func"),
        )
    )


class _FormatUnion(ctypes.Union):
    _fields_ = (("pix", PixelFormat), ("raw", c_uint8 * 200), ("pointer_alignment", ctypes.c_void_p))


class Format(ctypes.Structure):
    """struct v4l2_format (linux/videodev2.h): the format of one kind of stream."""

    _fields_ = (("type", c_uint32), ("fmt", _FormatUnion))


class StreamParameters(ctypes.Structure):
    """struct v4l2_streamparm (linux/videodev2.h) with its capture part: the time of a frame, in s."""

    _fields_ = (
        ("type", c_uint32),
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("unused", c_uint8 * 184),
    )


class RequestBuffers(ctypes.Structure):
    """struct v4l2_requestbuffers (linux/videodev2.h): how many buffers, and of which memory."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    )


class _BufferPlace(ctypes.Union):
    _fields_ = (("offset", c_uint32), ("userptr", ctypes.c_ulong))


class Buffer(ctypes.Structure):
    """struct v4l2_buffer (linux/videodev2.h): a buffer that is queued, with the time of its frame."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp_s", c_long),
        ("timestamp_us", c_long),
        ("timecode", c_uint8 * 16),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _BufferPlace),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


def _number(direction: int, number: int, size_bytes: int) -> int:
    """The ioctl's number, as <asm-generic/ioctl.h> makes it."""
    return direction << 30 | size_bytes << 16 | ord("V") << 8 | number


_WRITE, _READ, _BOTH = 1, 2, 3
QUERYCAP = _number(_READ, 0, ctypes.sizeof(Capability))
ENUM_FMT = _number(_BOTH, 2, ctypes.sizeof(FormatDescription))
S_FMT = _number(_BOTH, 5, ctypes.sizeof(Format))
REQBUFS = _number(_BOTH, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _number(_BOTH, 9, ctypes.sizeof(Buffer))
QBUF = _number(_BOTH, 15, ctypes.sizeof(Buffer))
DQBUF = _number(_BOTH, 17, ctypes.sizeof(Buffer))
STREAMON = _number(_WRITE, 18, 4)
STREAMOFF = _number(_WRITE, 19, 4)
G_PARM = _number(_BOTH, 21, ctypes.sizeof(StreamParameters))
S_PARM = _number(_BOTH, 22, ctypes.sizeof(StreamParameters))
ENUM_FRAMESIZES = _number(_BOTH, 74, ctypes.sizeof(SizeEntry))
ENUM_FRAMEINTERVALS = _number(_BOTH, 75, ctypes.sizeof(IntervalEntry))
