"""Annotated actions of own clips, from a CSV file with the columns `video,start_s,end_s,label` and any others."""

from __future__ import annotations

from pathlib import Path

from edge.annotations.action import Action, AnnotationFile, fault, seconds_ns
from edge.annotations.csv_table import as_written, csv_rows
from edge.contract import Segment
from edge.errors import AnnotationError
from edge.text import printable

REQUIRED_COLUMNS = ("video", "start_s", "end_s", "label")


def read_annotations(path: Path | str) -> dict[str, tuple[Segment, ...]]:
    """Read an own-clips CSV: the annotated segments of each video, in order of start time.

    Keys are file names (the last component of the `video` column). Segments of a video may overlap.

    Raises:
        AnnotationError: the file is no CSV with these columns (see `csv_rows`), holds no row, or a row has no video or
            label, a time that is not a number, is negative or not finite, or an end that is not after its start; or
            two videos in different folders share one file name. The message names the file and the line.
    """
    segments: dict[str, list[Segment]] = {}
    for action in read_own_csv(Path(path)).actions:
        segments.setdefault(action.video, []).append(Segment(action.start_ns, action.end_ns, action.name, 1.0))
    return {name: tuple(sorted(rows, key=lambda s: (s.start_ns, s.end_ns))) for name, rows in segments.items()}


def read_own_csv(path: Path) -> AnnotationFile:
    """The same rows, their labels as words that a label map may change.

    Raises:
        AnnotationError: as `read_annotations`.
    """
    actions: list[Action] = []
    folders: dict[str, str] = {}
    for line, cells in csv_rows(path, REQUIRED_COLUMNS):
        actions.append(_action(path, line, cells, folders))
    if not actions:
        raise AnnotationError(f"{printable(str(path))}: holds no annotated action: add rows below the header")
    return AnnotationFile("CSV", tuple(actions), own_words=True)


def _action(path: Path, line: int, cells: dict[str, str], folders: dict[str, str]) -> Action:
    video, label = as_written(cells["video"]), as_written(cells["label"])
    if not video or not label:
        raise fault(path, line, f"no {'label' if video else 'video'}: fill it in or delete the row")
    start_ns, end_ns = (seconds_ns(path, line, name, cells[name]) for name in ("start_s", "end_s"))
    if end_ns <= start_ns:
        raise fault(path, line, f"end_s {cells['end_s']} is not after start_s {cells['start_s']}")
    folder, _, name = video.replace("\\", "/").rpartition("/")
    if not name:
        raise fault(path, line, f"video '{video}' is a folder, not a file name")
    if folders.setdefault(name, folder) != folder:
        raise fault(path, line, f"two videos in different folders are called '{name}': rename one")
    return Action(name, start_ns, end_ns, label, (label,))
