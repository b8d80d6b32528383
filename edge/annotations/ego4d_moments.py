"""Ego4D's moments: `moments_train.json`, `moments_val.json` (Moments Queries benchmark).

Format: the annotation schemas of Ego4D: videos[] {video_uid, clips[] {clip_uid, video_start_sec, video_end_sec,
annotations[] {annotator_uid, labels[] {start_time, end_time, video_start_time, video_end_time, label, primary}}}}.
Several annotators label each clip; `primary` marks the labels that the benchmark uses, and only those are read.
"""

from __future__ import annotations

import re
from typing import Any

from edge.annotations.action import Action, AnnotationFile
from edge.annotations.json_fields import Node
from edge.annotations.truth import Span
from edge.errors import AnnotationError
from edge.text import printable

FORMAT = "Ego4D moments"


def is_moments(document: Any) -> bool:
    """Whether a parsed JSON document has the outline of a moments file."""
    return isinstance(document, dict) and isinstance(document.get("videos"), list)


def read_moments(root: Node) -> AnnotationFile:
    """Actions under the uid of the whole video, and again, in the clip's own time, under the uid of the clip.

    What lies outside the annotated clips of a whole video is not known, so the clips are its spans.

    Raises:
        AnnotationError: a field is missing or of the wrong kind, or a moment ends before it starts; names the place.
    """
    actions: dict[Action, None] = {}  # in order, and twice the same moment counts once
    spans: dict[str, list[Span]] = {}
    skipped = 0
    for video in root.need("videos").elements():
        uid = video.need("video_uid").text()
        for clip in video.need("clips").elements():
            clip_uid, clip_span = clip.need("clip_uid").text(), _span(clip, "video_start_sec", "video_end_sec")
            annotations = clip.get("annotations")
            if annotations is None:
                continue  # the test set has none
            spans.setdefault(uid, []).append(clip_span)
            spans.setdefault(clip_uid, []).append((0, clip_span[1] - clip_span[0]))
            for label in (label for by in annotations.elements() for label in by.need("labels").elements()):
                if not _primary(label):
                    skipped += 1
                    continue
                name = label.need("label").text()
                for key, span in (
                    (uid, _span(label, "video_start_time", "video_end_time")),
                    (clip_uid, _span(label, "start_time", "end_time")),
                ):
                    actions.setdefault(Action(key, *span, name, _terms(name)))
    if not actions:
        raise AnnotationError(f"{printable(str(root.path))}: holds no primary moment; the test set is not annotated")
    notes = (f"{skipped} moments that are not primary left out",) if skipped else ()
    return AnnotationFile(FORMAT, tuple(actions), {key: tuple(found) for key, found in spans.items()}, notes)


def _primary(label: Node) -> bool:
    primary = label.get("primary")
    return primary is None or primary.value is True


def _span(node: Node, start_name: str, end_name: str) -> Span:
    start_ns, end_ns = node.need(start_name).time_ns(), node.need(end_name).time_ns()
    if end_ns <= start_ns:
        raise node.fault(f"{end_name} is not after {start_name}")
    return start_ns, end_ns


def _terms(name: str) -> tuple[str, ...]:
    """The whole label, then its first word: 'cut_dough' is looked up as such, then as 'cut'."""
    first = re.split(r"[\s_/]+", name.strip("_ /"), maxsplit=1)[0]
    return (name, first) if first != name else (name,)
