"""Rows of a CSV file by the names of its header; every complaint names the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.annotations.action import fault
from edge.errors import AnnotationError
from edge.json_text import read_bounded
from edge.text import printable

MOST_BYTES = 2 << 30
"""Ego4D's narrations, the largest, take 0.4 GB."""


def csv_rows(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cell by column name) of every row that is not blank; optional columns that are absent are ''.

    UTF-8 with or without a byte order mark, any line ends, quoted fields as in RFC 4180, columns in any order.

    Raises:
        AnnotationError: not readable, empty, not UTF-8, not CSV, a column absent or doubled, a row too short or long.
    """
    reader = csv.reader(io.StringIO(read_text(path, required), newline=""), strict=True)
    try:
        header = next(reader, [])
        columns = [name.strip().lower() for name in header]
        at = _places(path, columns, required, optional)
        needed = max(at[name] for name in required)
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(row) <= needed:
                reason = f"{len(row)} fields where the header names {len(header)}: complete the row"
                raise fault(path, reader.line_num, reason)
            if any(field.strip() for field in row[len(header) :]):
                reason = f"{len(row)} fields where the header names {len(header)}: quote fields that hold a comma"
                raise fault(path, reader.line_num, reason)
            cells = {name: row[place].strip() if place < len(row) else "" for name, place in at.items()}
            yield reader.line_num, {**dict.fromkeys(optional, ""), **cells}
    except csv.Error as error:
        raise fault(path, reader.line_num, f"not CSV ({error}): check the quotes") from error


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First letters that make a cell a formula (OWASP, "CSV Injection")."""


def no_formula(cell: str) -> str:
    """The cell for a file that a spreadsheet may open."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def as_written(cell: str) -> str:
    """The cell that `no_formula` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell


def read_text(path: Path, required: Sequence[str] = ()) -> str:
    """The text of a file.

    Raises:
        AnnotationError: not readable, empty, or not UTF-8.
    """
    try:
        data = read_bounded(path, MOST_BYTES)
    except ValueError as error:
        raise AnnotationError(f"{printable(str(path))}: {error}: give a file of annotations") from error
    except OSError as error:
        raise AnnotationError(f"{printable(str(path))}: cannot be read: {error.strerror}") from error
    if not data.strip():
        wanted = f": the first line must name {','.join(required)}" if required else ""
        raise AnnotationError(f"{printable(str(path))}: is empty{wanted}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault(path, line, "not UTF-8: save the file as UTF-8") from error


def _places(path: Path, columns: list[str], required: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    for name in required:
        if name not in columns:
            raise fault(path, 1, f"no column '{name}': the first line must name {','.join(required)}")
        if columns.count(name) > 1:
            raise fault(path, 1, f"column '{name}' occurs twice: keep one")
    return {name: columns.index(name) for name in (*required, *optional) if name in columns}
