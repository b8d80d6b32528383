"""How much disk a rolling recording may take: the oldest of its own files go first, nothing else is ever touched."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

_NAME = re.compile(r"egoact-(\d{6,})-\d{8}T\d{6}\.mkv")


class DiskBudget:
    """The files of a rolling recording in one folder. Only files with its own kind of name count, and are deleted.

    They are ordered by a running number: a Jetson without a battery starts in 1970 and jumps.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        free_floor_bytes: int,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._folder = folder
        self.max_bytes = max_bytes
        self._floor_bytes = free_floor_bytes
        self._free_bytes = free_bytes
        self.deleted = 0
        """Files deleted so far to make room."""

    def next_path(self, now: datetime) -> Path:
        """Name of a new file, after all that are there."""
        numbers = [int(found[1]) for path in self._folder.iterdir() if (found := _NAME.fullmatch(path.name))]
        return self._folder / f"egoact-{max(numbers, default=0) + 1:06d}-{now:%Y%m%dT%H%M%S}.mkv"

    def make_room(self) -> bool:
        """Delete the oldest files until both limits hold; False when they cannot. The newest file always stays.

        Raises OSError when the folder cannot be read, or a file cannot be deleted.
        """
        files = self._files()
        used = sum(size for _, size in files)
        for path, size in files[:-1]:
            if self._fits(used):
                return True
            path.unlink()
            used -= size
            self.deleted += 1
        return self._fits(used)

    def _fits(self, used_bytes: int) -> bool:
        return used_bytes <= self.max_bytes and self._free_bytes(self._folder) >= self._floor_bytes

    def _files(self) -> list[tuple[Path, int]]:
        """Own files and their sizes, the oldest first."""
        found = []
        for entry in os.scandir(self._folder):
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_file(follow_symlinks=False):
                found.append((int(match[1]), Path(entry.path), entry.stat(follow_symlinks=False).st_size))
        return [(path, size) for _, path, size in sorted(found)]
