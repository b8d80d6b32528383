"""Kernel timings of earlier builds, beside the plans: one file a TensorRT version, because none reads another's."""

from __future__ import annotations

from pathlib import Path

from edge.whole_file import write_whole_file

MAX_BYTES = 256 << 20


class TimingCacheFile:
    """A help and never a condition: what cannot be read is as good as nothing."""

    def __init__(self, folder: Path, tensorrt: str) -> None:
        """`folder` is that of one device's plans."""
        self._path = folder / f"timing-{tensorrt}.cache"

    def read(self) -> bytes | None:
        if self._path.is_symlink() or not self._path.is_file() or self._path.stat().st_size > MAX_BYTES:
            return None
        return self._path.read_bytes()

    def write(self, content: bytes | None) -> None:
        if content is not None and not self._path.is_symlink():
            write_whole_file(self._path, content)
