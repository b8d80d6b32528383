"""Folders that are cleared when their run was killed: what only one run needs, and what is not complete yet."""

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
    clear_abandoned(base, _NAME)
    try:
        unlocked = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=_UNLOCKED, dir=base))
    except OSError as problem:
        raise _refused(base, problem) from problem
    folder = unlocked.with_name(unlocked.name.removesuffix(_UNLOCKED))
    try:
        with _held(unlocked, folder):
            yield folder
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _refused(base, problem) from problem


@contextlib.contextmanager
def unfinished_folder(folder: Path) -> Iterator[None]:
    """A new, empty folder that nobody else may enter, to be renamed by the block; deleted when it is not.

    Raises:
        OSError: it cannot be made.
    """
    unlocked = folder.with_name(folder.name + _UNLOCKED)
    unlocked.mkdir(mode=0o700)
    with _held(unlocked, folder):
        yield


def clear_abandoned(base: Path, name: re.Pattern[str]) -> None:
    """Delete this user's folders in `base` of such a name that no living process holds."""
    with contextlib.suppress(OSError):
        for folder in list(base.iterdir()):
            if name.fullmatch(folder.name):
                _clear(folder)


def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another user's, or cleared by somebody else just now
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _held(unlocked: Path, folder: Path) -> Iterator[None]:
    handle = os.open(unlocked, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: it is cleared by nobody else either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(folder)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _refused(base: Path, problem: OSError) -> StorageError:
    reason = f"cannot be written ({why(problem)}); make room there or name another folder in TMPDIR"
    return StorageError(f"{printable(str(base))}: {reason}")
