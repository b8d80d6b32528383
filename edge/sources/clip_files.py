"""Clips named on a command line: files as they are, folders searched for video files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.errors import SourceError

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".mts"})


def find_clips(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Every file given, and every video below every folder given, folders in order of name, each file once.

    Raises:
        SourceError: a path is not there, or there is no clip at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(f for f in sorted(path.rglob("*")) if f.suffix.lower() in VIDEO_SUFFIXES))
        elif path.is_file():
            found[path] = None
        else:
            raise SourceError(f"{path}: no such clip or folder")
    if not found:
        named = ", ".join(str(path) for path in paths)
        raise SourceError(f"{named}: no video there; give files or folders of {', '.join(sorted(VIDEO_SUFFIXES))}")
    return tuple(found)
