"""What the kernel says about processes: children, descriptors, sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

MODULES = {"edge.live.inference": "inference", "edge.live.sensor_process": "sensor"}


def children(pid: int) -> dict[int, str]:
    """Processes that `pid` started and that have not ended: pid -> 'inference' or 'sensor'."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            found[int(entry.name)] = next((MODULES[a.decode()] for a in arguments if a.decode() in MODULES), "other")
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what: Callable[[], object], patience_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < deadline_s, f"not in {patience_s} s"
        time.sleep(0.02)


def descriptors(pid: int) -> list[str]:
    """Where the descriptors of a process lead."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue
    return found
