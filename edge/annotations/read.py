"""One door for all annotation files: the format is seen from the content, never from the name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.annotations.action import AnnotationFile, fault
from edge.annotations.csv_table import read_text
from edge.annotations.ego4d_moments import is_moments, read_moments
from edge.annotations.ego4d_narrations import is_narrations, read_narrations
from edge.annotations.epic_csv import read_epic_csv
from edge.annotations.json_fields import Node
from edge.annotations.label_map import Mapped, map_labels, read_label_map
from edge.annotations.own_csv import REQUIRED_COLUMNS, read_own_csv
from edge.json_text import parse_json

FORMATS = "our CSV (video,start_s,end_s,label), EPIC-KITCHENS-100 CSV, Ego4D narrations or moments JSON"


def read_truth(path: Path, labels: Sequence[str], label_map: Path | None = None) -> Mapped:
    """What the file says about each video, in the labels of the bundle.

    Args:
        labels: those of the bundle.
        label_map: the user's table of words, CSV with the columns from,to.

    Raises:
        AnnotationError: no format that is known, or a fault in it; names the file, and the line or the field.
    """
    table = read_label_map(label_map, labels) if label_map is not None else None
    return map_labels(read_annotation_file(path), labels, table)


def read_annotation_file(path: Path) -> AnnotationFile:
    """The actions of a file in any of FORMATS.

    Raises:
        AnnotationError: as `read_truth`.
    """
    text = read_text(path, REQUIRED_COLUMNS)
    if text.lstrip()[:1] in ("{", "["):
        return _read_json(path, text)
    columns = {name.strip().strip('"').lower() for name in text.lstrip().partition("\n")[0].split(",")}
    if {"video_id", "start_timestamp"} <= columns:
        return read_epic_csv(path)
    return read_own_csv(path)


def _read_json(path: Path, text: str) -> AnnotationFile:
    try:
        document = parse_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise fault(path, line, f"not JSON ({getattr(error, 'msg', error)})") from error
    root = Node(path, document)
    if is_moments(document):
        return read_moments(root)
    if is_narrations(document):
        return read_narrations(root)
    raise fault(path, 1, f"JSON that is neither Ego4D's narrations nor its moments; egoact reads {FORMATS}")
