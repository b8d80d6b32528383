"""A folder that appears whole: made beside its place, swapped in when it is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from edge.bundle import KNOWN_FILES, MANIFEST
from edge.errors import UsageError
from export.errors import ExportError

PLANS = "plans"


@contextlib.contextmanager
def new_bundle_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill; on success it becomes `out`, in place of the bundle that may lie there.

    When the block raises, `out` stays as it was and the new folder is removed.

    Raises:
        UsageError: `out` is a file, or a folder that holds anything but a bundle.
        ExportError: the disk is full or cannot be written.
    """
    require_replaceable(out)
    fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        yield fresh
        _swap(fresh, out)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error.strerror or error}); free some space there") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def require_replaceable(out: Path) -> None:
    """Raises UsageError when `out` is a file, or a folder that holds anything but a bundle."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out}: is no folder; give another --out")
    if not out.is_dir():
        return
    foreign = sorted(file.name for file in out.iterdir() if file.name not in (*KNOWN_FILES, MANIFEST, PLANS))
    if foreign:
        raise UsageError(f"{out}: holds {foreign[0]}, which is no part of a bundle; give another --out")


def _swap(fresh: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    if out.is_dir():
        os.rename(out, old)
    try:
        os.rename(fresh, out)
    except OSError:
        if old.is_dir():
            os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)
