"""Files of a run, written whole; a full disk costs the new file and nothing that is there."""

from __future__ import annotations

from pathlib import Path

from edge.whole_file import why, write_whole_file
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
        raise refused(path, problem) from None


def remove_run_file(path: Path) -> None:
    """Delete a file where it is there.

    Raises:
        RunError: the disk cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise refused(path, problem) from None


def refused(path: Path, problem: OSError) -> RunError:
    """The error of a file that cannot be written."""
    return RunError(f"{path}: cannot be written ({why(problem)}); make room and give the command again: it goes on")
