"""The built-in world's other tables: `videos.csv` (who wore the camera where) and `sounds.csv` (what is heard when)."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from edge.errors import AnnotationError


@dataclass(frozen=True)
class WorldVideo:
    """One video: its path relative to the table, its domain and its wearer."""

    path: str
    scenario: str
    location: str
    wearer: str

    @property
    def name(self) -> str:
        """File name, as annotations are keyed."""
        return self.path.rpartition("/")[2]

    @property
    def domain(self) -> tuple[str, str]:
        return self.scenario, self.location


@dataclass(frozen=True)
class SoundEvent:
    """A sound class in time, on or off screen."""

    sound: str
    start_s: float
    end_s: float


def read_videos_csv(path: Path) -> list[WorldVideo]:
    """All videos in the order of the file.

    Raises:
        AnnotationError: the file cannot be read or lacks a column.
    """
    rows = _rows(path, ("video", "scenario", "location", "wearer"))
    return [WorldVideo(row["video"], row["scenario"], row["location"], row["wearer"]) for row in rows]


def read_sounds_csv(path: Path) -> dict[str, tuple[SoundEvent, ...]]:
    """Sound events by video file name.

    Raises:
        AnnotationError: the file cannot be read or lacks a column.
    """
    events: dict[str, list[SoundEvent]] = {}
    for row in _rows(path, ("video", "start_s", "end_s", "sound")):
        event = SoundEvent(row["sound"], _seconds(path, row["start_s"]), _seconds(path, row["end_s"]))
        events.setdefault(row["video"].rpartition("/")[2], []).append(event)
    return {name: tuple(found) for name, found in events.items()}


def _seconds(path: Path, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AnnotationError(f"{path}: {cell[:40]!r} is no number of seconds; render the world again")
    return value


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{path}: cannot be read ({error}); render the world again") from None
    missing = [name for name in columns if not rows or any(row.get(name) is None for row in rows)]
    if missing:
        raise AnnotationError(f"{path}: no column or no rows of '{missing[0]}'; render the world again")
    return rows
