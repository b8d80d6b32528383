"""Counts the changes of files that a process makes, and kills it just before one of them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def count_changes(folder: Path, moment: int) -> Callable[[], int]:
    """From now on, changes below `folder` count: a file opened for writing, flushed to the disk (fsync), renamed, cut
    or deleted, a folder made or removed. Change number `moment`, counted from 1, never happens; 0 is none.

    Returns:
        The number of changes so far.
    """
    count, below = 0, f"{folder}{os.sep}"

    def change() -> None:
        nonlocal count
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            counts = bool(flags & WRITING) if isinstance(flags, int) else set(mode or "") & set("wax+")
        else:
            path, counts = (args[0] if args else None), event in EVENTS
        # Relative paths come with the descriptor of their folder (rmtree).
        inside = isinstance(path, (str, os.PathLike)) and (
            os.fspath(path).startswith(below) or not os.path.isabs(os.fspath(path))
        )
        if counts and inside:
            change()

    def fsync(descriptor: Any) -> None:
        change()
        flush(descriptor)

    flush = os.fsync
    os.fsync = fsync
    sys.addaudithook(hook)
    return lambda: count
