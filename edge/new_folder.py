"""The folder of a bundle, which appears whole: made beside its place, put there when it is complete."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from edge.bundle import KNOWN_FILES, MANIFEST
from edge.errors import BundleError, UsageError
from edge.text import printable

PLANS = "plans"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV)
"""What file systems without exchange answer."""


@contextlib.contextmanager
def new_bundle_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill; on success it becomes `out`, in place of the bundle that may lie there.

    When the block raises, `out` stays as it was and the new folder is removed. What a killed run left (`.<name>.part`)
    is cleared.

    Raises:
        UsageError: `out` is a file, or a folder that holds anything but a bundle, or another command is making it.
        BundleError: the disk is full or cannot be written.
    """
    require_replaceable(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        restore(out)
        with _alone(_part(out), out) as fresh:
            yield fresh
            _swap(fresh, out)
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error}); free some space there or give another folder"
        raise BundleError(f"{printable(str(out))}: {reason}") from error


def require_replaceable(out: Path) -> None:
    """Raises UsageError when `out` is a file, or a folder that holds anything but a bundle."""
    shown = printable(str(out))
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{shown}: is no folder; give another --out")
    if not out.is_dir():
        return
    foreign = sorted(file.name for file in out.iterdir() if file.name not in (*KNOWN_FILES, MANIFEST, PLANS))
    if foreign:
        raise UsageError(f"{shown}: holds {printable(foreign[0])}, which is no part of a bundle; give another --out")


def restore(out: Path) -> None:
    """Put back the bundle that a run moved away before it was killed; there is one only on a disk without exchange."""
    if _old(out).is_dir() and not out.exists():
        os.rename(_old(out), out)


def _part(out: Path) -> Path:
    return out.absolute().with_name(f".{out.absolute().name}.part")


def _old(out: Path) -> Path:
    return out.absolute().with_name(f".{out.absolute().name}.old")


@contextlib.contextmanager
def _alone(part: Path, out: Path) -> Iterator[Path]:
    """An empty folder that no other process fills; gone at the end, whatever has become of it."""
    while True:
        part.mkdir(exist_ok=True)
        handle = os.open(part, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not part.is_dir() or not os.path.samestat(os.fstat(handle), part.stat()):
                continue  # who held it has put it in place
            _empty(part)
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
            return
        except BlockingIOError:
            raise UsageError(f"{printable(str(out))}: another command is writing it; wait for it") from None
        finally:
            os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _swap(fresh: Path, out: Path) -> None:
    if not out.is_dir():
        os.rename(fresh, out)
    elif not _exchange(fresh, out):
        old = _old(out)
        if old.is_dir():  # of a run that was killed here once
            shutil.rmtree(old)
        os.rename(out, old)
        try:
            os.rename(fresh, out)
        except OSError:
            os.rename(old, out)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Both names change places in one step (renameat2(2)), so that a kill never leaves neither; False where the file
    system or the C library has no such call."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))
