"""Which programs have a device open, from /proc/PID/fd."""

from __future__ import annotations

import os
from pathlib import Path

from edge.sources.v4l2_nodes import Holder
from edge.sysfs import matching, read_text
from edge.text import printable


class HolderScan:
    """One look at the open files of all processes, as far as this user may see them."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._by_device: dict[str, list[Holder]] = {}
        self.hidden_processes = 0
        """Processes of other users, whose open files only root may see."""
        for process in matching(root / "proc", "[0-9]*"):
            try:
                links = list(os.scandir(process / "fd"))
            except PermissionError:
                self.hidden_processes += 1
                continue
            except OSError:
                continue  # it ended meanwhile
            for device in {target for link in links if (target := _target(link)).startswith("/dev/")}:
                holder = Holder(int(process.name), printable(read_text(process / "comm") or "?"))
                self._by_device.setdefault(device, []).append(holder)

    def of(self, device: str) -> tuple[Holder, ...]:
        """Who has the device open, by process id; `device` is its real path, such as /dev/video0."""
        return tuple(self._by_device.get(device, ()))


def _target(link: os.DirEntry[str]) -> str:
    try:
        return os.readlink(link.path)
    except OSError:
        return ""
