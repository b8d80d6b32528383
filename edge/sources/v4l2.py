"""A camera of this machine through V4L2, with the kernel's own time stamps.

The kernel's buffers are taken directly, not through libavdevice or OpenCV: only so is a read bounded in time, are
stale frames dropped without being decoded, and are losses known from the driver's sequence numbers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from edge.contract import Frame, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.sources.frame_count import FrameCount
from edge.sources.frame_decoder import CODECS, RAW_LAYOUTS, CodecDecoder, FrameDecoder, RawDecoder
from edge.sources.frame_stamp import KernelStamps
from edge.sources.grid_frames import GridFrames
from edge.sources.sensor import SensorFacts
from edge.sources.v4l2_choice import CameraWish, choose_mode
from edge.sources.v4l2_ioctl import FrameMode, list_formats, query_cap, set_mode
from edge.sources.v4l2_nodes import busy, find_by_name, find_holders, list_nodes, missing
from edge.sources.v4l2_stream import FrameStream
from edge.text import printable

_BUFFERS = 4
"""Frames that wait in the kernel while we are busy: 133 ms at 30 Hz. More would only make old frames older."""

_GONE = (errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESHUTDOWN, errno.EPIPE)
"""What drivers answer for a device that was unplugged or reset; opening it again is the cure for all of them."""


class V4L2Camera:
    """`address`: a device path or a part of a camera's name. See `Sensor` for the protocol.

    `latency_ms`: exposure and readout, taken off every time stamp.
    """

    def __init__(self, address: str, spec: WindowSpec, wish: CameraWish, latency_ms: float = 0.0) -> None:
        self._address = address
        self._spec = spec
        self._wish = wish
        self._latency_ns = round(latency_ms * 1e6)
        self._fd = -1
        self._stream: FrameStream | None = None
        self._device = printable(address)
        self._format = ""

    def open(self, origin_ns: int) -> None:
        self.close()
        path, stable = self._resolve()
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            mode, row_bytes = self._negotiate(path, stable)
            decoder = _decoder(mode, row_bytes)
            self._stream = FrameStream(self._fd, _BUFFERS)
        except OSError as error:
            self.close()
            raise _open_error(path, error) from error
        except SourceError:
            self.close()
            raise
        self._origin_ns = origin_ns
        self._format = str(mode)
        self._count = FrameCount(mode.rate_hz)
        self._stamps = KernelStamps()
        self._frames = GridFrames(self._spec, decoder)
        self._dropped = self._damaged = 0
        self._age_ms = 0.0

    def _resolve(self) -> tuple[str, str]:
        """Device path and stable name ('' when there is none) of the camera that is meant, as things are now."""
        nodes = list_nodes()
        if "/" not in self._address:
            node = find_by_name(self._address, nodes)
            return str(node.path), node.stable_path.name if node.stable_path else ""
        real = Path(self._address).resolve()
        stable = next((node.stable_path for node in nodes if node.path == real and node.stable_path), None)
        return str(real), stable.name if stable else ""

    def _negotiate(self, path: str, stable: str) -> tuple[FrameMode, int]:
        cap = query_cap(self._fd)
        name = f"{path} ({printable(cap.card)})"
        if not cap.captures_video:
            raise SourceError(
                f"{name}: gives no pictures (many cameras have a second node for metadata); see `egoact devices`"
            )
        self._device = printable(stable or f"{cap.card} ({cap.bus_info})")
        formats = list_formats(self._fd)
        rate_hz = self._wish.rate_hz or self._spec.frame_rate_hz
        wanted = choose_mode(name, formats, cap.bus_info, self._wish, self._spec.frame_size_px, rate_hz)
        given, layout = set_mode(self._fd, wanted)
        if given.fourcc not in RAW_LAYOUTS and given.fourcc not in CODECS:
            raise SourceError(
                f"{name}: was asked for {wanted} and gives {given}, which egoact does not read; name another format"
            )
        return given, layout.bytesperline

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        if self._stream is None:
            raise DeviceLostError(f"{self._device}: is not open")
        end_s = time.monotonic() + timeout_s
        try:
            while self._stream.wait(end_s - time.monotonic()):
                frames = self._drain(self._stream)
                if frames:
                    return tuple(frames)
                if time.monotonic() >= end_s:
                    break
        except OSError as error:
            self.close()
            if error.errno in _GONE:
                raise DeviceLostError(f"{self._device}: unplugged or reset; plug it in again") from error
            raise SourceError(
                f"{self._device}: cannot be read any more ({os.strerror(error.errno or 0)}); start again"
            ) from error
        return ()

    def _drain(self, stream: FrameStream) -> list[Frame]:
        """All that waits in the kernel. Buffers go back at once; if all were full, only the newest is still fresh."""
        taken: list[tuple[int, bytes | None]] = []
        while len(taken) < stream.buffers and (filled := stream.take()) is not None:
            arrival_ns = time.monotonic_ns()
            seen_ns = self._stamps.time_ns(filled.kernel_ns, arrival_ns)
            self._age_ms = (arrival_ns - seen_ns) / 1e6
            t_ns = seen_ns - self._latency_ns - self._origin_ns
            self._count.push(t_ns, filled.sequence)
            self._damaged += filled.damaged
            usable = not filled.damaged and self._frames.needs(t_ns)
            taken.append((t_ns, stream.copy(filled) if usable else None))
            stream.requeue(filled.buffer)
        if not taken:
            time.sleep(0.002)  # a driver that says "ready" and has nothing must not keep a core busy
        newest_only = len(taken) == stream.buffers > 1
        frames: list[Frame] = []
        for place, (t_ns, data) in enumerate(taken):
            stale = newest_only and place < len(taken) - 1
            self._dropped += stale
            if data is not None:
                frames += self._frames.push(data, t_ns, wanted=not stale)
        return frames

    def facts(self) -> SensorFacts:
        if self._stream is None:
            return SensorFacts(self._device, self._format, "")
        return SensorFacts(
            self._device,
            self._format,
            str(self._stamps),
            delivered=self._count.delivered,
            corrupt=self._damaged + self._frames.corrupt,
            lost=self._count.lost,
            dropped=self._dropped,
            rate_hz=self._count.rate_hz,
            age_ms=self._age_ms,
        )

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
        self._fd = -1


def _decoder(mode: FrameMode, row_bytes: int) -> FrameDecoder:
    if mode.fourcc in RAW_LAYOUTS:
        return RawDecoder(mode.fourcc, mode.width, mode.height, row_bytes)
    return CodecDecoder(CODECS[mode.fourcc])


def _open_error(path: str, error: OSError) -> SourceError:
    if error.errno in (errno.ENOENT, *_GONE):
        return missing(path, list_nodes())
    if error.errno in (errno.EACCES, errno.EPERM):
        return SourceError(f"{path}: permission denied; run `sudo usermod -aG video $USER`, then log out and in again")
    if error.errno == errno.EBUSY:
        me = os.getpid()
        return busy(path, [holder for holder in find_holders(Path(path)) if holder.pid != me])
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return SourceError(f"{path}: is not a camera; see `egoact devices`")
    return SourceError(f"{path}: cannot be opened ({os.strerror(error.errno or 0)}); see `egoact devices`")
