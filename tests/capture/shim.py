"""A V4L2 camera made of files, for tests on the real capture path without hardware.

    write_frames(tmp_path / "yuyv", yuyv_frames(pictures))             # or jpeg_frames, h264_frames
    env = shim_env(tmp_path / "yuyv", "YUYV:640x360@30", fault="unplug@60:2000")
    subprocess.run([sys.executable, "-m", "edge.cli", "live", "--camera", "/dev/video0"], env={**os.environ, **env})

Every process that has this environment sees a camera at `device` (it need not exist; nobody else sees it), in which
the file's frames play in a loop. `fault`: "NAME@FIRST-LAST:VALUE", several joined by commas, NAME and VALUE as listed
in v4l2shim_script.h: unplug, stall, hang, error, garbage, short, lose, late, zero, same, future, past, unknown, rate,
busy, denied. Frames count from the start of each capture, in each process anew. For faults that last across processes
give `control`, a folder: while a file "unplugged", "stalled" or "hung" lies in it, the camera is so.
"""

from __future__ import annotations

import functools
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

DEVICE = "/dev/video0"
_SOURCE = Path(__file__).with_name("v4l2shim.c")


@functools.cache
def shim_library() -> Path:
    """The built shim; once a test run."""
    library = Path(tempfile.mkdtemp(prefix="v4l2shim-")) / "v4l2shim.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"], check=True)
    return library


def shim_env(
    source: Path | Mapping[str, Path],
    fmt: str = "YUYV:640x360@30",
    fault: str = "",
    *,
    device: str = DEVICE,
    control: Path | None = None,
) -> dict[str, str]:
    """Environment of a process that shall see the camera.

    `source`: frames as `write_frames` wrote them, in the mode `fmt` = "FOURCC:WIDTHxHEIGHT@RATE"; or {fmt: frames} for
    a camera with several modes.
    """
    modes = source if isinstance(source, Mapping) else {fmt: source}
    env = {
        "LD_PRELOAD": str(shim_library()),
        "V4L2SHIM_DEV": device,
        "V4L2SHIM_MODES": ";".join(f"{mode}={path}" for mode, path in modes.items()),
        "V4L2SHIM_FAULT": fault,
    }
    return env if control is None else {**env, "V4L2SHIM_CONTROL": str(control)}


def write_frames(path: Path, frames: Iterable[bytes]) -> Path:
    """The file format of the shim: every frame with its length before it."""
    path.write_bytes(b"".join(struct.pack("<I", len(frame)) + frame for frame in frames))
    return path


def yuyv_frames(pictures: Iterable[NDArray[np.uint8]]) -> list[bytes]:
    """Pictures (RGB uint8 [H, W, 3], even W) as YUYV, BT.601 with limited range."""
    return [cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_YUY2).tobytes() for picture in pictures]


def jpeg_frames(pictures: Iterable[NDArray[np.uint8]]) -> list[bytes]:
    """Pictures as JPEG, 4:2:2 as most cameras give it."""
    return _encoded(pictures, "mjpeg", "yuvj422p", {"qmin": "2", "qmax": "2"})


def h264_frames(pictures: Iterable[NDArray[np.uint8]], key_interval: int = 10) -> list[bytes]:
    """Pictures as H.264 access units without B-frames, the headers before each key frame."""
    options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "15", "g": str(key_interval)}
    return _encoded(pictures, "libx264", "yuv420p", options)


def _encoded(pictures: Iterable[NDArray[np.uint8]], codec: str, pixels: str, options: dict[str, str]) -> list[bytes]:
    encoder: Any = None
    packets = []
    for number, picture in enumerate(pictures):
        if encoder is None:
            encoder = av.CodecContext.create(codec, "w")
            encoder.height, encoder.width = picture.shape[:2]
            encoder.pix_fmt, encoder.time_base, encoder.options = pixels, Fraction(1, 30), options
            encoder.thread_count = 1
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]
