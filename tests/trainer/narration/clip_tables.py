"""Clip CSVs of the rating tests: numbered narrations, so that a server can tell pairs apart."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

COLUMNS = ("video", "start_s", "end_s", "label", "narration", "audio_narration")


def write_clips(path: Path, count: int, *, more: Sequence[tuple[str, str]] = ()) -> Path:
    """`count` clips with a pair of their own each ("She cuts onion number 3", "Chops, number 3"), then `more` pairs."""
    pairs = [(f"#C C cuts onion number {i}", f"Chops, number {i}") for i in range(count)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i, pair in enumerate([*pairs, *more]):
            writer.writerow(("kitchen.mp4", f"{2 * i}.0", f"{2 * i + 1}.5", "cut", *pair))
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
