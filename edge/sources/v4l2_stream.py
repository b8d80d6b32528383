"""Frames out of a V4L2 device: kernel buffers mapped into memory, taken when they are ready, given back at once."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import select
from ctypes import c_int32
from typing import NamedTuple

from edge.contract import NS_PER_S
from edge.sources.v4l2_structs import (
    CAPTURE,
    DQBUF,
    MMAP,
    QBUF,
    QUERYBUF,
    REQBUFS,
    STREAMOFF,
    STREAMON,
    Buffer,
    RequestBuffers,
)

_FLAG_ERROR = 0x40
_TIMESTAMP_MASK, _TIMESTAMP_MONOTONIC = 0xE000, 0x2000


class Filled(NamedTuple):
    """A buffer that the driver has filled; it must be given back with `FrameStream.requeue`."""

    buffer: int
    """Its index."""
    length: int
    """Bytes of the frame."""
    sequence: int
    kernel_ns: int | None
    """The kernel's time stamp; None when it is not said to be on the monotonic clock."""
    damaged: bool
    """The driver knows that the frame is incomplete."""


class FrameStream:
    """A running capture. `fd` must be open with O_NONBLOCK and have its format set; it stays the caller's.

    Raises OSError as the driver gives it: EBUSY when another program captures, ENODEV when the device is gone.
    """

    def __init__(self, fd: int, buffers: int) -> None:
        self._fd = fd
        self._maps: list[mmap.mmap] = []
        request = RequestBuffers(count=buffers, type=CAPTURE, memory=MMAP)
        fcntl.ioctl(fd, REQBUFS, request)
        try:
            for index in range(request.count):
                buffer = Buffer(index=index, type=CAPTURE, memory=MMAP)
                fcntl.ioctl(fd, QUERYBUF, buffer)
                self._maps.append(mmap.mmap(fd, buffer.length, mmap.MAP_SHARED, offset=buffer.m.offset))
                self.requeue(index)
            fcntl.ioctl(fd, STREAMON, c_int32(CAPTURE))
        except OSError:
            self.close()
            raise

    @property
    def buffers(self) -> int:
        """How many buffers the driver gave, which may not be how many were asked for."""
        return len(self._maps)

    def wait(self, timeout_s: float) -> bool:
        """Whether a buffer (or an error) is ready within the time."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout_s) * 1000))

    def take(self) -> Filled | None:
        """The oldest filled buffer; None when there is none right now."""
        buffer = Buffer(type=CAPTURE, memory=MMAP)
        try:
            fcntl.ioctl(self._fd, DQBUF, buffer)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        monotonic = buffer.flags & _TIMESTAMP_MASK == _TIMESTAMP_MONOTONIC
        stamp_ns = buffer.timestamp_s * NS_PER_S + buffer.timestamp_us * 1000
        return Filled(
            buffer.index,
            buffer.bytesused,
            buffer.sequence,
            stamp_ns if monotonic else None,
            bool(buffer.flags & _FLAG_ERROR) or buffer.bytesused == 0,
        )

    def copy(self, filled: Filled) -> bytes:
        """The bytes of the frame, in a copy; only before `requeue`."""
        return self._maps[filled.buffer][: filled.length]

    def requeue(self, index: int) -> None:
        """Give a buffer back to the driver, which fills it again."""
        fcntl.ioctl(self._fd, QBUF, Buffer(index=index, type=CAPTURE, memory=MMAP))

    def close(self) -> None:
        """Stop the capture and free the buffers; a device that is gone does not mind."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, STREAMOFF, c_int32(CAPTURE))
        for mapped in self._maps:
            mapped.close()
        self._maps.clear()
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, REQBUFS, RequestBuffers(count=0, type=CAPTURE, memory=MMAP))
