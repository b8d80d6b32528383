"""Disks that are full or read-only: a small tmpfs, which needs root, and stand-ins for it which do not."""

from __future__ import annotations

import ctypes
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileSizeLimit:
    """No file may grow beyond the limit: the system's own refusal, for any user."""

    reason = "file too large"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self, after_bytes: int) -> Iterator[None]:
        """Inside, no file of more than so many bytes can be written."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)


class SmallTmpfs:
    """A file system of its own, which shrinks to what is in it and some pages more."""

    reason = "no space left on device"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self, after_bytes: int) -> Iterator[None]:
        """Inside, about so many bytes more can be written."""
        used = sum(path.stat().st_size + 4096 for path in self.folder.rglob("*"))
        self._remount(f"size={used + after_bytes}")
        try:
            yield
        finally:
            self._remount("size=64m")

    @contextmanager
    def read_only(self) -> Iterator[str]:
        """Inside, nothing can be written; gives the reason that commands must name."""
        self._remount("ro")
        try:
            yield "read-only file system"
        finally:
            self._remount("rw")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


class Forbidden:
    """A folder in which nobody may write anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def read_only(self) -> Iterator[str]:
        """Inside, nothing can be written; gives the reason that commands must name."""
        rights = {path: path.stat().st_mode for path in (self.folder, *self.folder.rglob("*"))}
        for path, mode in rights.items():
            path.chmod(mode & ~0o222)
        try:
            with _without_override():
                yield "permission denied"
        finally:
            for path, mode in rights.items():
                path.chmod(mode)


@contextmanager
def small_tmpfs(folder: Path) -> Iterator[SmallTmpfs | None]:
    """None where this user may not mount."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    try:
        yield SmallTmpfs(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _without_override() -> Iterator[None]:
    """Root too is bound by the rights of files while this thread, and those that it starts, lack CAP_DAC_OVERRIDE
    (capabilities(7)); for other users nothing changes."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable of capabilities 0 to 31, and of 32 to 63
    assert libc.capget(header, sets) == 0
    effective = sets[0]
    sets[0] = effective & ~(1 << _CAP_DAC_OVERRIDE)
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = effective
        assert libc.capset(header, sets) == 0


_LINUX_CAPABILITY_VERSION_3, _CAP_DAC_OVERRIDE = 0x20080522, 1
