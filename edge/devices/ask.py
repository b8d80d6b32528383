"""Asking a video node what it can do. Opening a node starts no stream, so a camera that is in use answers too."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Literal, NamedTuple

from edge.errors import SourceError
from edge.sources.v4l2_ioctl import (
    QUERYCAP,
    CameraFormat,
    Capability,
    list_formats,
    query_cap,
)

_META_CAPTURE = 0x0080_0000
"""V4L2_CAP_META_CAPTURE of <linux/videodev2.h>."""

Kind = Literal["capture", "metadata", "other", "unknown"]

_WHY = {
    errno.EACCES: "may not be opened by this user: sudo usermod -aG video $USER, then log in again",
    errno.EPERM: "may not be opened by this user: sudo usermod -aG video $USER, then log in again",
    errno.ENOENT: "is not there: plug the camera in again",
    errno.ENODEV: "is not there: plug the camera in again",
    errno.ENXIO: "is not there: plug the camera in again",
    errno.EBUSY: "is held by another program that shares it with nobody: end that program",
    errno.ENOTTY: "is no V4L2 device: give another one to --camera",
}


class Abilities(NamedTuple):
    """What a video node answers."""

    kind: Kind
    """Only 'capture' gives pictures that egoact can read."""
    driver: str
    formats: tuple[CameraFormat, ...]


def ask(node: str) -> Abilities:
    """Open a video node, ask, close it.

    Raises:
        SourceError: it cannot be opened, or is no video device.
    """
    try:
        fd = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            capability = query_cap(fd)
            kind = "capture" if capability.captures_video else _other_kind(fd)
            formats = list_formats(fd) if capability.captures_video else ()
        finally:
            os.close(fd)
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"cannot be asked ({error.strerror}): plug the camera in again")
        raise SourceError(f"{node} {why}") from error
    return Abilities(kind, capability.driver, formats)


def _other_kind(fd: int) -> Kind:
    raw = Capability()
    fcntl.ioctl(fd, QUERYCAP, raw)
    return "metadata" if (raw.device_caps or raw.capabilities) & _META_CAPTURE else "other"
