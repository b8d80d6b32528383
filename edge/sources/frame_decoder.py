"""Bytes of a camera's frame into pictures: converted to RGB only when somebody asks for the pixels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S
from edge.sources.container import MOST_PIXELS, plausible
from edge.sources.video_track import upright_rgb


class DamagedFrameError(Exception):
    """A frame whose bytes cannot be decoded; the next one may be fine."""


class Picture(NamedTuple):
    """One decoded frame."""

    t_ns: int
    rgb: Callable[[], NDArray[np.uint8]]
    """Converts, once it is called, to RGB uint8 [H, W, 3]."""


class FrameDecoder(Protocol):
    """Decodes the frames of one camera format."""

    skippable: bool
    """Whether frames that nobody needs may be left undecoded (not where frames depend on each other)."""

    def decode(self, data: bytes, t_ns: int) -> list[Picture]:
        """The pictures that are ready. Raises DamagedFrameError."""


class RawLayout(NamedTuple):
    """An uncompressed pixel format in memory."""

    bytes_per_pixel: int
    """Of the first plane."""
    rows_per_pixel_row: Fraction
    """1, or more where planes of chroma follow."""
    to_rgb: int | None
    """OpenCV's conversion code; None when it is RGB already."""


RAW_LAYOUTS = {
    "YUYV": RawLayout(2, Fraction(1), cv2.COLOR_YUV2RGB_YUY2),
    "UYVY": RawLayout(2, Fraction(1), cv2.COLOR_YUV2RGB_UYVY),
    "NV12": RawLayout(1, Fraction(3, 2), cv2.COLOR_YUV2RGB_NV12),
    "RGB3": RawLayout(3, Fraction(1), None),
    "BGR3": RawLayout(3, Fraction(1), cv2.COLOR_BGR2RGB),
    "GREY": RawLayout(1, Fraction(1), cv2.COLOR_GRAY2RGB),
}
"""Uncompressed formats by V4L2 four-character code; YUV is BT.601 with limited range, V4L2's default."""

CODECS = {"MJPG": "mjpeg", "JPEG": "mjpeg", "H264": "h264"}
"""libavcodec's name of every compressed format of V4L2 that is read."""


class RawDecoder:
    """Uncompressed frames of fixed size; `row_bytes` is the distance of two rows (0: no padding)."""

    skippable = True

    def __init__(self, fourcc: str, width: int, height: int, row_bytes: int = 0) -> None:
        self._layout = RAW_LAYOUTS[fourcc]
        self._width = width
        self._rows = int(height * self._layout.rows_per_pixel_row)
        self._row_bytes = row_bytes or width * self._layout.bytes_per_pixel

    def decode(self, data: bytes, t_ns: int) -> list[Picture]:
        if len(data) < self._rows * self._row_bytes:
            raise DamagedFrameError(f"{len(data)} bytes instead of {self._rows * self._row_bytes}")
        return [Picture(t_ns, partial(self._rgb, data))]

    def _rgb(self, data: bytes) -> NDArray[np.uint8]:
        depth = self._layout.bytes_per_pixel
        rows = np.frombuffer(data, np.uint8, self._rows * self._row_bytes).reshape(self._rows, self._row_bytes)
        pixels = rows[:, : self._width * depth].reshape(self._rows, self._width, depth)
        if self._layout.to_rgb is None:
            return pixels
        return cv2.cvtColor(pixels, self._layout.to_rgb)  # type: ignore[return-value]


class CodecDecoder:
    """Compressed frames through libavcodec on one thread, which alone gives every frame at once (no frame threads).

    For JPEG this costs less than OpenCV's decoder, gives the pixels of `egoact replay`, and refuses cut-off pictures.
    """

    def __init__(self, name: str, extradata: bytes | None = None) -> None:
        """name: libavcodec's; extradata: headers that a container keeps outside the packets."""
        self.skippable = name == "mjpeg"
        codec: Any = av.CodecContext.create(name, "r")
        codec.thread_count = 1
        if extradata:
            codec.extradata = extradata
        codec.options = {"max_pixels": str(MOST_PIXELS), **({"err_detect": "explode"} if self.skippable else {})}
        self._codec = codec
        self._started = False

    def decode(self, data: bytes, t_ns: int) -> list[Picture]:
        packet = av.Packet(data)
        packet.time_base = Fraction(1, NS_PER_S)
        packet.pts = t_ns
        try:
            frames = self._codec.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            if not self._started and not self.skippable:
                return []  # the stream began between two key frames
            raise DamagedFrameError(str(error)) from error
        if not all(map(plausible, frames)):
            raise DamagedFrameError("a picture of an absurd size")
        self._started |= bool(frames)
        return [Picture(frame.pts, partial(upright_rgb, frame)) for frame in frames]
