"""Segments as an ELAN annotation document (.eaf), to be looked at and corrected in ELAN.

Format: "ELAN Annotation Format" 3.0 (EAFv3.0.xsd): HEADER, TIME_ORDER, TIERs of ALIGNABLE_ANNOTATIONs, LINGUISTIC_TYPE.
Times are whole milliseconds. Annotations of one tier never overlap, so overlapping truth takes more than one tier.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

from edge.contract import RunResult, Segment
from edge.text import printable

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
TYPE = "action"
_MIME_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg", ".mpeg": "video/mpeg"}
_Values = list[tuple[int, int, str]]


def elan(result: RunResult, truth: Sequence[Segment], media: Path, folder: Path, *, written: datetime) -> str:
    """XML text of one clip's document.

    Args:
        result: its segments make the tiers 'egoact' and 'egoact confidence'.
        truth: annotated segments, for the tiers 'annotated', 'annotated 2', ...; may be empty.
        media: the clip.
        folder: where the document will lie; the clip is named relative to it too.
        written: the date of the document.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "egoact",
            "DATE": written.astimezone(timezone.utc).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    tiers = _tiers(result, truth)
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    _media(header, media, folder)
    total = sum(map(len, tiers.values()))
    ElementTree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(total)
    slots = _time_order(root, tiers)
    number = 0
    for name, values in tiers.items():
        tier = ElementTree.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": TYPE, "TIER_ID": name})
        for start_ms, end_ms, value in values:
            number += 1
            annotation = ElementTree.SubElement(tier, "ANNOTATION")
            ids = {"ANNOTATION_ID": f"a{number}"}
            ids |= {"TIME_SLOT_REF1": slots[start_ms], "TIME_SLOT_REF2": slots[end_ms]}
            aligned = ElementTree.SubElement(annotation, "ALIGNABLE_ANNOTATION", ids)
            ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = printable(value)
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": TYPE, "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _tiers(result: RunResult, truth: Sequence[Segment]) -> dict[str, _Values]:
    tiers = {
        "egoact": [_timed(s, s.label) for s in result.segments],
        "egoact confidence": [_timed(s, f"{s.confidence:.2f}") for s in result.segments],
    }
    for number, lane in enumerate(_lanes([_timed(s, s.label) for s in truth]), start=1):
        tiers["annotated" if number == 1 else f"annotated {number}"] = lane
    return tiers


def _timed(segment: Segment, value: str) -> tuple[int, int, str]:
    start_ms = round(segment.start_ns / 1e6)
    return start_ms, max(start_ms + 1, round(segment.end_ns / 1e6)), value


def _lanes(values: _Values) -> list[_Values]:
    """As few tiers as it takes so that nothing in a tier overlaps."""
    lanes: list[_Values] = []
    for value in sorted(values):
        lane = next((lane for lane in lanes if lane[-1][1] <= value[0]), None)
        if lane is None:
            lanes.append([value])
        else:
            lane.append(value)
    return lanes


def _time_order(root: ElementTree.Element, tiers: dict[str, _Values]) -> dict[int, str]:
    """The time slots, in order of time; returns their ids by millisecond."""
    order = ElementTree.SubElement(root, "TIME_ORDER")
    times_ms = sorted({time for values in tiers.values() for start, end, _ in values for time in (start, end)})
    slots = {time: f"ts{number}" for number, time in enumerate(times_ms, start=1)}
    for time, name in slots.items():
        ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(time)})
    return slots


def _media(header: ElementTree.Element, media: Path, folder: Path) -> None:
    clip = media.resolve()
    relative = Path(os.path.relpath(clip, folder.resolve())).as_posix()
    ElementTree.SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        {
            "MEDIA_URL": clip.as_uri(),
            "MIME_TYPE": _MIME_TYPES.get(clip.suffix.lower(), "unknown"),
            "RELATIVE_MEDIA_URL": relative if relative.startswith("../") else f"./{relative}",
        },
    )
