"""The videos of an extraction, and what came out of each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edge.errors import UsageError
from edge.sources.clip_files import VIDEO_SUFFIXES
from edge.text import printable
from trainer.features.store import VideoFeatures


@dataclass(frozen=True)
class Task:
    """One video to be extracted."""

    name: str
    """Its key in the feature store: the file name."""
    path: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a task."""

    task: Task
    features: VideoFeatures | None
    """None when it failed."""
    problem: str = ""
    """Why it failed, one line."""


@dataclass(frozen=True)
class Description:
    """What a pool of workers makes."""

    widths: dict[str, int]
    made_with: dict[str, Any]


class Pool(Protocol):
    """Something that turns tasks into features: this process, actors elsewhere, or files that others made."""

    def describe(self) -> Description: ...

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """One outcome a task, in the order of the tasks."""
        ...


def find_tasks(inputs: Sequence[Path]) -> list[Task]:
    """Videos of folders (searched to the bottom, in the order of their paths), CSV files and single files.

    A CSV has a column `video` (or `path`) with paths relative to the CSV; a video may be named in many lines.

    Raises:
        UsageError: something does not exist, a folder holds no video, or two videos have the same file name.
    """
    paths: dict[Path, None] = {}
    for given in inputs:
        if given.is_dir():
            found = sorted(p for p in given.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not _hidden(p, given))
            if not found:
                raise UsageError(f"{given}: no videos in this folder ({', '.join(sorted(VIDEO_SUFFIXES))})")
        elif given.suffix.lower() == ".csv":
            found = _csv_videos(given)
        else:
            found = [given]
        for path in found:
            paths.setdefault(path)
    tasks: dict[str, Task] = {}
    for path in paths:
        other = tasks.setdefault(path.name, Task(path.name, path))
        if other.path != path:
            raise UsageError(f"{other.path} and {path} have the same file name, by which features are kept; rename one")
    return list(tasks.values())


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _csv_videos(path: Path) -> list[Path]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
            column = columns.get("video") or columns.get("path")
            if column is None:
                raise UsageError(
                    f"{path}: has no column 'video'; its columns are {printable(', '.join(columns))[:300] or 'none'}"
                )
            names = [(row[column] or "").strip() for row in reader]
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as a CSV ({error})") from None
    found = [path.parent / name.replace("\\", "/") for name in dict.fromkeys(names) if name]
    if not found:
        raise UsageError(f"{path}: names no video")
    return found
