"""Files of a run, written whole; a full disk costs the new file and nothing that is there."""

from __future__ import annotations

import contextlib
from pathlib import Path

from trainer.features.whole_file import write_whole_file
from trainer.loop.errors import RunError


def write_run_file(path: Path, content: bytes) -> None:
    """Write or replace a file; its folder is made when missing.

    Raises:
        RunError: the disk is full or cannot be written; the file before it stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole_file(path, content)
    except OSError as problem:
        with contextlib.suppress(OSError):
            path.with_name(path.name + ".part").unlink()  # gives the room back
        raise refused(path, problem) from None


def refused(path: Path, problem: OSError) -> RunError:
    """The error of a file that cannot be written."""
    reason = (problem.strerror or str(problem)).lower()
    return RunError(f"{path}: cannot be written ({reason}); make room and give the command again: it goes on")
