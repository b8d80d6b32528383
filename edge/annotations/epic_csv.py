"""EPIC-KITCHENS-100 action segments: `EPIC_100_train.csv`, `EPIC_100_validation.csv` and what has their columns.

Format: README of the EPIC-KITCHENS-100 annotations, "File Structure": times are HH:mm:ss.SS, `verb` is the parsed
verb, `verb_class` the number of its class. Between the segments nothing was narrated, and that is taken as background.
"""

from __future__ import annotations

import re
from pathlib import Path

from edge.annotations.action import Action, AnnotationFile, fault, seconds_ns
from edge.annotations.csv_table import csv_rows
from edge.errors import AnnotationError
from edge.text import printable

REQUIRED_COLUMNS = ("video_id", "start_timestamp", "stop_timestamp", "verb")
OPTIONAL_COLUMNS = ("verb_class", "noun", "noun_class", "narration")
_TIME = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d+)?)", re.ASCII)


def read_epic_csv(path: Path) -> AnnotationFile:
    """Words to look up, in this order: narration, 'verb noun', verb, 'verb_class:N', 'noun_class:N', 'noun:NOUN'.

    Raises:
        AnnotationError: a column is missing (the test sets have no verbs), or a row is wrong; names file and line.
    """
    actions = [_action(path, line, cells) for line, cells in csv_rows(path, REQUIRED_COLUMNS, OPTIONAL_COLUMNS)]
    if not actions:
        raise AnnotationError(f"{printable(str(path))}: holds no annotated action")
    return AnnotationFile("EPIC-KITCHENS-100", tuple(actions))


def _action(path: Path, line: int, cells: dict[str, str]) -> Action:
    video, verb, noun = (cells[name] for name in ("video_id", "verb", "noun"))
    if not video or not verb:
        raise fault(path, line, f"no {'verb' if video else 'video_id'}: fill it in or delete the row")
    start_ns, end_ns = (_time_ns(path, line, name, cells[name]) for name in ("start_timestamp", "stop_timestamp"))
    if end_ns <= start_ns:
        raise fault(path, line, f"stop_timestamp {cells['stop_timestamp']} is not after {cells['start_timestamp']}")
    classes = (_class_term(path, line, name, cells[name]) for name in ("verb_class", "noun_class"))
    words = (cells["narration"], f"{verb} {noun}" if noun else "", verb, *classes, f"noun:{noun}" if noun else "")
    return Action(video, start_ns, end_ns, verb, tuple(word for word in words if word))


def _class_term(path: Path, line: int, name: str, number: str) -> str:
    if number and not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise fault(path, line, f"{name} '{number}' is not the number of a class")
    return f"{name}:{int(number)}" if number else ""


def _time_ns(path: Path, line: int, name: str, text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise fault(path, line, f"{name} '{text}' is not a time such as 00:01:02.50")
    hours, minutes, seconds = found.groups()
    return seconds_ns(path, line, name, 3600 * int(hours) + 60 * int(minutes)) + seconds_ns(path, line, name, seconds)
