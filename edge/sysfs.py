"""Small files of the kernel (/sys, /proc, /etc) read without ever raising: what cannot be read is None."""

from __future__ import annotations

from pathlib import Path


def read_text(path: Path) -> str | None:
    """The file's text without the line end and the NULs of the device tree; None when it is absent or unreadable.

    A sensor whose power domain sleeps answers EAGAIN or EIO: that is an unreadable file, not a failure.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except (OSError, ValueError):
        return None


def read_int(path: Path) -> int | None:
    """The whole number in a file; None when there is none."""
    text = read_text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def matching(folder: Path, pattern: str) -> list[Path]:
    """Entries of a folder that match a glob pattern, sorted so that numbers count as numbers; [] without the folder."""
    try:
        return sorted(folder.glob(pattern), key=_by_number)
    except OSError:
        return []


def _by_number(path: Path) -> tuple[str, int, str]:
    stem = path.name.rstrip("0123456789")
    number = path.name[len(stem) :]
    return stem, int(number or -1), str(path)
