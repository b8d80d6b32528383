"""The V4L2 cameras of this machine: names that stay, formats, and what is wrong with them.

/dev/videoN is numbered by the order of plugging, and one camera often has several nodes (pictures, metadata). So each
node is named by its link under /dev/v4l, which udev makes from the camera's serial number or its port.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edge.devices.ask import Abilities, Kind
from edge.devices.holders import HolderScan
from edge.errors import SourceError
from edge.sources.frame_decoder import CODECS, RAW_LAYOUTS
from edge.sources.v4l2_ioctl import CameraFormat
from edge.sources.v4l2_nodes import Holder, list_nodes
from edge.text import printable


@dataclass(frozen=True)
class Camera:
    """One video node."""

    node: str
    """/dev/videoN, where it lies today."""
    name: str
    bus: str | None
    """Where it is plugged in: 'usb 1-2', 'platform tegra-capture-vi'; None when the kernel does not say."""
    stable_name: str | None
    """The link that stays when the number changes: /dev/v4l/by-id/..., else /dev/v4l/by-path/..."""
    kind: Kind
    """Only 'capture' gives pictures; 'unknown' when it could not be asked."""
    driver: str | None
    formats: tuple[CameraFormat, ...]
    holders: tuple[Holder, ...]
    problem: str | None
    """Why it could not be asked, and the command that mends it."""

    @property
    def readable(self) -> bool:
        """Whether one of its formats is one that egoact reads; raw sensor data (CSI cameras) is not."""
        return any(entry.fourcc in (*RAW_LAYOUTS, *CODECS) for entry in self.formats)

    @property
    def best_name(self) -> str:
        """What to give to --camera."""
        return self.stable_name or self.node


Ask = Callable[[str], Abilities]
"""Asks a video node what it can do; raises SourceError when it cannot be opened."""


def list_cameras(root: Path = Path("/"), ask: Ask | None = None, holders: HolderScan | None = None) -> list[Camera]:
    """Every video node, in the order of their numbers; never raises for a node that cannot be asked.

    Without `ask` no node is opened: formats are empty, and the kind is known from sysfs only.
    """
    scan = holders or HolderScan(root)
    cameras = []
    for node in list_nodes(root / "sys/class/video4linux", root / "dev"):
        path = f"/dev/{node.path.name}"
        stable = None if node.stable_path is None else f"/{node.stable_path.relative_to(root)}"
        bus = _bus(root / "sys/class/video4linux" / node.path.name)
        camera = Camera(path, printable(node.name), bus, stable, "unknown", None, (), scan.of(path), None)
        cameras.append(camera if ask is None else _asked(camera, ask))
    return cameras


def _asked(camera: Camera, ask: Ask) -> Camera:
    try:
        abilities = ask(camera.node)
    except SourceError as error:
        return replace(camera, problem=printable(str(error)))
    return replace(camera, kind=abilities.kind, driver=abilities.driver, formats=abilities.formats)


def _bus(folder: Path) -> str | None:
    """From the chain of parents in sysfs, without opening anything."""
    try:
        device = (folder / "device").resolve(strict=True)
    except OSError:
        return None
    if (device.parent / "idVendor").is_file():
        return f"usb {device.parent.name}"
    return f"platform {device.name}" if "platform" in device.parts else device.name
