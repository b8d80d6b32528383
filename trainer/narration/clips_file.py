"""A clip CSV of any columns, read row by row and written again with columns added: a million rows need no memory."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from edge.errors import EgoactError
from edge.text import printable
from edge.whole_file import whole_file, why

Row = dict[str, str]


class ClipsFileError(EgoactError):
    """A clip CSV cannot be read, lacks a column, or cannot be written."""


class ClipsFile:
    """A CSV file; its columns are named by the first line, in lower case here, as egoact's readers take them."""

    def __init__(self, path: Path) -> None:
        """Raises ClipsFileError when there is no such file, or its first line names no columns or one twice."""
        self.path = path
        first = next(self._lines(), None)
        self.columns = tuple(name.strip().lower() for name in first or [])
        doubled = [printable(name)[:60] for name, times in Counter(self.columns).items() if times > 1]
        if not self.columns:
            raise ClipsFileError(f"{path}: is empty; its first line must name the columns")
        if doubled:
            raise ClipsFileError(f"{path}:1: column '{doubled[0]}' occurs twice; keep one")

    def require(self, columns: Sequence[str]) -> None:
        """Raises ClipsFileError when a column is missing."""
        for name in columns:
            if name not in self.columns:
                known = printable(", ".join(self.columns))[:300]
                raise ClipsFileError(f"{self.path}:1: no column '{name}'; its columns are {known}")

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank, cell by column.

        Raises:
            ClipsFileError: a row has more cells than the first line, or the file is no CSV.
        """
        lines = self._lines()
        next(lines)
        for number, cells in enumerate(lines, start=1):
            if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
                reason = f"{len(cells)} cells where the first line names {len(self.columns)}"
                raise ClipsFileError(f"{self.path}: row {number}: {reason}; quote cells that hold a comma")
            padded = [*cells, *[""] * (len(self.columns) - len(cells))]
            yield dict(zip(self.columns, padded, strict=False))

    def _lines(self) -> Iterator[list[str]]:
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                for cells in csv.reader(file, strict=True):
                    if any(cell.strip() for cell in cells):
                        yield cells
        except OSError as problem:
            raise ClipsFileError(f"{self.path}: cannot be read ({why(problem)})") from None
        except (UnicodeDecodeError, csv.Error) as problem:
            raise ClipsFileError(f"{self.path}: cannot be read as CSV ({problem}); save it as UTF-8") from None


def cell_of(row: Row, columns: str) -> str:
    """The cell of a column, or of several ("a,b") joined by commas."""
    return ", ".join(cell for name in columns.split(",") if (cell := row[name].strip()))


def write_clips(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write a CSV that is there whole or not at all; returns the number of rows.

    Raises:
        ClipsFileError: it cannot be written; what was there before stays.
    """
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            writer = csv.DictWriter(codecs.getwriter("utf-8")(file), columns, lineterminator="\n")
            writer.writeheader()
            for count, row in enumerate(rows, start=1):  # noqa: B007
                writer.writerow(row)
    except OSError as problem:
        raise ClipsFileError(f"{path}: cannot be written ({why(problem)}); make room and try again") from None
    return count
