"""The cameras of this machine: their nodes, names that stay, and the programs that hold them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge.errors import DeviceLostError, SourceError
from edge.text import printable

SYSFS = Path("/sys/class/video4linux")
DEV = Path("/dev")
PROC = Path("/proc")

MORE = "see `egoact devices`"


class CameraNode(NamedTuple):
    """A video device node."""

    path: Path
    """/dev/videoN; N may be another after a restart."""
    name: str
    """The device's own name, as sysfs has it."""
    place: int
    """0 for the first node of a device; cameras often have a second one, for metadata."""
    stable_path: Path | None = None
    """/dev/v4l/by-id/... (by-path where there is no id), which stays."""

    def __str__(self) -> str:
        return f"{self.path} '{printable(self.name)}'"


class Holder(NamedTuple):
    """A process that has a device open."""

    pid: int
    command: str


def list_nodes(sysfs: Path = SYSFS, dev: Path = DEV) -> list[CameraNode]:
    """Every video4linux node, by number; what is no camera is still among them."""
    stable = _stable_paths(dev)
    nodes = []
    for entry in sorted(sysfs.glob("video*"), key=lambda path: (len(path.name), path.name)):
        path = dev / entry.name
        name, index = _read(entry / "name") or entry.name, _read(entry / "index")
        nodes.append(CameraNode(path, name, int(index) if index.isdigit() else 0, stable.get(path.resolve())))
    return nodes


def _stable_paths(dev: Path) -> dict[Path, Path]:
    paths: dict[Path, Path] = {}
    for folder in ("by-path", "by-id"):  # an id goes before a place
        for link in sorted((dev / "v4l" / folder).glob("*")):
            paths[link.resolve()] = link
    return paths


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def find_by_name(text: str, nodes: Sequence[CameraNode]) -> CameraNode:
    """The one camera whose name, or stable path, holds `text` (upper or lower case).

    Raises DeviceLostError when there is none, SourceError when there are several.
    """
    wanted = text.casefold()
    first = [node for node in nodes if node.place == 0]
    found = [
        n for n in first if wanted in n.name.casefold() or (n.stable_path and wanted in n.stable_path.name.casefold())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise SourceError(
            f"{printable(text)}: several cameras match: {_listing(found)}; give more of the name or the path"
        )
    raise DeviceLostError(f"{printable(text)}: no camera has this in its name; connected: {_listing(first)}; {MORE}")


def missing(path: str, nodes: Sequence[CameraNode]) -> DeviceLostError:
    """The error for a node that is not there."""
    connected = _listing([node for node in nodes if node.place == 0])
    return DeviceLostError(f"{printable(path)}: no such camera; plug it in; connected: {connected}; {MORE}")


def _listing(nodes: Sequence[CameraNode]) -> str:
    return ", ".join(str(node) for node in nodes) or "none"


def find_holders(path: Path, proc: Path = PROC) -> list[Holder]:
    """The processes that have `path` open, as far as this user may see (root sees all)."""
    target = str(path.resolve())
    holders = []
    for process in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or belongs to somebody else
            if any(_points_to(link, target) for link in (process / "fd").iterdir()):
                holders.append(Holder(int(process.name), printable(_read(process / "comm"))))
    return sorted(holders)


def _points_to(link: Path, target: str) -> bool:
    try:
        return str(link.readlink()) == target
    except OSError:
        return False


def busy(path: str, holders: Sequence[Holder]) -> SourceError:
    """The error for a camera that another program captures from."""
    if not holders:
        return SourceError(f"{path}: in use by another program; close it (`sudo fuser -v {path}` names it)")
    named = ", ".join(f"{holder.command} (process {holder.pid})" for holder in holders)
    pids = " ".join(str(holder.pid) for holder in holders)
    return SourceError(f"{path}: in use by {named}; close it, or end it with `kill {pids}`")
