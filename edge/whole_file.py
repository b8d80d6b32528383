"""Files that are there whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, which is at `path` and on the disk once the block ends; when the block raises, nothing changes.

    It is `<name>.part` until then. Processes that write the same file wait for each other, and what a killed one left
    is written over.

    Raises:
        OSError: the disk is full or cannot be written; `filename` is `path`, and what was there before stays.
    """
    part = path.with_name(path.name + ".part")
    try:
        with _alone(part) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(part, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink()  # gives the room back
                raise
    except OSError as problem:
        if problem.filename in (None, str(part)):
            problem.filename, problem.filename2 = str(path), None
        raise


def write_whole_file(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) as `whole_file` does.

    Raises:
        OSError: see there.
    """
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def why(problem: OSError) -> str:
    """The reason of a refusal for a message: 'no space left on device'."""
    return (problem.strerror or str(problem)).lower()


def _alone(part: Path) -> BinaryIO:
    """The empty file `part`, locked until it is closed."""
    while True:
        file = open(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")  # noqa: SIM115
        with contextlib.suppress(OSError):  # a file system without locks: safe for one writer
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still(part, file):
            file.truncate(0)
            return file
        file.close()  # who held it has put it in place: begin a new one


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
