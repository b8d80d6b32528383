"""Annotated actions of own clips, from a CSV file with the columns `video,start_s,end_s,label` and any others."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from edge.contract import NS_PER_S, Segment
from edge.errors import AnnotationError
from edge.text import printable

REQUIRED_COLUMNS = ("video", "start_s", "end_s", "label")
_LONGEST_S = 1e7  # about 115 days: beyond it a time is a mistake (frames or milliseconds in a column of seconds)


def read_annotations(path: Path | str) -> dict[str, tuple[Segment, ...]]:
    """Read an own-clips CSV: the annotated segments of each video, in order of start time.

    Keys are file names (the last component of the `video` column). UTF-8 with or without a byte order mark, any line
    ends, quoted fields as in RFC 4180. Segments of a video may overlap.

    Raises:
        AnnotationError: the file cannot be read, is empty, is not UTF-8 or not CSV, lacks a column, or a row has no
            video or label, a time that is not a number, is negative or not finite, or an end that is not after its
            start; or two videos in different folders share one file name. The message names the file and the line.
    """
    segments: dict[str, list[Segment]] = {}
    folders: dict[str, str] = {}
    for line, video, segment in _rows(Path(path)):
        folder, _, name = video.replace("\\", "/").rpartition("/")
        if not name:
            raise AnnotationError(_at(path, line, f"video '{video}' is a folder, not a file name"))
        if folders.setdefault(name, folder) != folder:
            raise AnnotationError(_at(path, line, f"two videos in different folders are called '{name}': rename one"))
        segments.setdefault(name, []).append(segment)
    if not segments:
        raise AnnotationError(f"{printable(str(path))}: holds no annotated action: add rows below the header")
    return {name: tuple(sorted(rows, key=lambda s: (s.start_ns, s.end_ns))) for name, rows in segments.items()}


def label_at(segments: tuple[Segment, ...], time_ns: int) -> str | None:
    """Label of the segment that holds `time_ns` in [start, end); the one that starts last when they overlap."""
    holding = [s for s in segments if s.start_ns <= time_ns < s.end_ns]
    return max(holding, key=lambda s: s.start_ns).label if holding else None


def _rows(path: Path) -> Iterator[tuple[int, str, Segment]]:
    """(line number, video, segment) of every row that is not blank."""
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        columns = [name.strip().lower() for name in header]
        missing = [name for name in REQUIRED_COLUMNS if name not in columns]
        if missing:
            wanted = ",".join(REQUIRED_COLUMNS)
            raise AnnotationError(_at(path, 1, f"no column '{missing[0]}': the first line must name {wanted}"))
        doubled = [name for name in REQUIRED_COLUMNS if columns.count(name) > 1]
        if doubled:
            raise AnnotationError(_at(path, 1, f"column '{doubled[0]}' occurs twice: keep one"))
        at = [columns.index(name) for name in REQUIRED_COLUMNS]
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(row) <= max(at):
                reason = f"{len(row)} fields where the header names {len(header)}: complete the row"
                raise AnnotationError(_at(path, reader.line_num, reason))
            if any(field.strip() for field in row[len(header) :]):
                reason = f"{len(row)} fields where the header names {len(header)}: quote fields that hold a comma"
                raise AnnotationError(_at(path, reader.line_num, reason))
            video, start_s, end_s, label = (row[index].strip() for index in at)
            yield reader.line_num, video, _segment(path, reader.line_num, video, start_s, end_s, label)
    except csv.Error as error:
        raise AnnotationError(_at(path, reader.line_num, f"not CSV ({error}): check the quotes")) from error


def _segment(path: Path, line: int, video: str, start_s: str, end_s: str, label: str) -> Segment:
    if not video or not label:
        raise AnnotationError(_at(path, line, f"no {'label' if video else 'video'}: fill it in or delete the row"))
    start_ns, end_ns = _time_ns(path, line, "start_s", start_s), _time_ns(path, line, "end_s", end_s)
    if end_ns <= start_ns:
        raise AnnotationError(_at(path, line, f"end_s {end_s} is not after start_s {start_s}"))
    return Segment(start_ns, end_ns, label, confidence=1.0)


def _time_ns(path: Path, line: int, column: str, field: str) -> int:
    try:
        seconds = float(field)
    except ValueError:
        raise AnnotationError(_at(path, line, f"{column} '{field}' is not a number of seconds")) from None
    if not math.isfinite(seconds):
        raise AnnotationError(_at(path, line, f"{column} '{field}' is not finite"))
    if seconds < 0:
        raise AnnotationError(_at(path, line, f"{column} {field} is negative"))
    if seconds > _LONGEST_S:
        raise AnnotationError(_at(path, line, f"{column} {field} is more than {_LONGEST_S:.0f} s: use seconds"))
    return round(seconds * NS_PER_S)


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AnnotationError(f"{printable(str(path))}: cannot be read: {error.strerror}") from error
    if not data.strip():
        raise AnnotationError(
            f"{printable(str(path))}: is empty: the first line must name {','.join(REQUIRED_COLUMNS)}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AnnotationError(_at(path, line, "not UTF-8: save the file as CSV UTF-8")) from error


def _at(path: Path | str, line: int, reason: str) -> str:
    return printable(f"{path}:{line}: {reason}")
