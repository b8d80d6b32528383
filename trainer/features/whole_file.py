"""Files that are there whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_whole_file(path: Path, content: bytes) -> None:
    """Write through a temporary name (`<name>.part`) that is renamed into place last.

    Raises:
        OSError: the disk is full or cannot be written; `filename` is `path`, and what was there before stays.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            temporary.unlink()  # gives the room back
        problem.filename, problem.filename2 = str(path), None
        raise


def why(problem: OSError) -> str:
    """The reason of a refusal for a message: 'no space left on device'."""
    return (problem.strerror or str(problem)).lower()
