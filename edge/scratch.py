"""Folders for what only one run needs. Those of a run that was killed are cleared by the next one that needs such."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge.errors import StorageError
from edge.text import printable
from edge.whole_file import why

PREFIX = "egoact-scratch-"
_NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
_UNLOCKED = "~"
"""A folder is called so until it is locked, so that nobody clears it before."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder in $TMPDIR that nobody else may enter; gone when the block ends.

    Raises:
        StorageError: it cannot be made, or its disk is full.
    """
    base = Path(tempfile.gettempdir())
    _clear_abandoned(base)
    try:
        unlocked = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=_UNLOCKED, dir=base))
        folder = unlocked.with_name(unlocked.name.removesuffix(_UNLOCKED))
        handle = os.open(unlocked, os.O_RDONLY)
    except OSError as problem:
        raise _refused(base, problem) from problem
    try:
        with contextlib.suppress(OSError):  # a file system without locks: it is cleared by nobody else either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(folder)
        yield folder
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _refused(base, problem) from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _refused(base: Path, problem: OSError) -> StorageError:
    reason = f"cannot be written ({why(problem)}); make room there or name another folder in TMPDIR"
    return StorageError(f"{printable(str(base))}: {reason}")


def _clear_abandoned(base: Path) -> None:
    """Delete this user's folders that no living process holds."""
    for folder in base.glob(f"{PREFIX}*"):
        if not _NAME.fullmatch(folder.name):
            continue
        with contextlib.suppress(OSError):  # another user's, or cleared by somebody else just now
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(handle).st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
