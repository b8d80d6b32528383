"""Ego4D's narrations: `narration.json` (two passes a video) and `all_narrations_redacted.json`.

Format, as released: {uid: {"narration_pass_1": {"narrations": [{"timestamp_sec", "narration_text"}]},
"narration_pass_2": ...}}, or {"videos": {uid: {"narrations": [{"time", "text"}]}}}.

A narration is a point in time. Around the point t it becomes the segment [t - b / 2a, t + b / 2a]: b is the mean time
between neighbours of its pass, a = 4.9 s the mean of b over Ego4D (Lin et al., "Egocentric Video-Language
Pretraining", NeurIPS 2022, section 3.1). That is about a second; between the segments nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from edge.annotations.action import Action, AnnotationFile
from edge.annotations.json_fields import Node
from edge.annotations.narrated_verb import wearer_terms
from edge.contract import NS_PER_S
from edge.errors import AnnotationError
from edge.text import printable

FORMAT = "Ego4D narrations"
ALPHA_S = 4.9
"""Mean, over Ego4D, of the mean time between neighbouring narrations of a video."""
PASSES = ("narration_pass_1", "narration_pass_2")


class _Point(NamedTuple):
    time_ns: int
    text: str


def is_narrations(document: Any) -> bool:
    """Whether a parsed JSON document has the outline of a narrations file."""
    if not isinstance(document, dict):
        return False
    videos = document.get("videos", document)
    if not isinstance(videos, dict):
        return False
    return any(isinstance(v, dict) and ("narrations" in v or any(p in v for p in PASSES)) for v in videos.values())


def read_narrations(root: Node) -> AnnotationFile:
    """What the wearer did, by video uid; what other people did is left out.

    Raises:
        AnnotationError: a field is missing or of the wrong kind; names the place.
    """
    actions: list[Action] = []
    others = unclear = 0
    for uid, video in (root.get("videos") or root).items():
        for points in _passes(video):
            half_ns = _half_width_ns(points)
            for point in points:
                terms = wearer_terms(point.text)
                others += terms is None
                unclear += terms == ()
                if terms:
                    start_ns = max(0, point.time_ns - half_ns)
                    actions.append(Action(uid, start_ns, point.time_ns + half_ns, terms[-1], terms))
    if not actions:
        raise AnnotationError(f"{printable(str(root.path))}: holds no narration of the wearer")
    spans: dict[str, list[tuple[int, int]]] = {}
    for action in actions:
        spans.setdefault(action.video, []).append((action.start_ns, action.end_ns))
    notes = ["narrations are points in time: each counts for about a second around it"]
    if others:
        notes.append(f"{others} narrations of other people left out")
    if unclear:
        notes.append(f"{unclear} narrations without a verb left out")
    return AnnotationFile(FORMAT, tuple(actions), {key: tuple(found) for key, found in spans.items()}, tuple(notes))


def _passes(video: Node) -> Iterator[list[_Point]]:
    """The narrations of each pass, in order of time; a video without any gives nothing."""
    if not isinstance(video.value, dict):
        return  # date, version, description beside the videos
    for holder in (video, *(found for name in PASSES if (found := video.get(name)) is not None)):
        listed = holder.get("narrations")
        if listed is not None:
            yield sorted(_point(item) for item in listed.elements())


def _point(item: Node) -> _Point:
    time = item.get("timestamp_sec") or item.get("time")
    text = item.get("narration_text") or item.get("text")
    if time is None or text is None:
        missing = "timestamp_sec" if time is None else "narration_text"
        raise item.fault(f"no '{missing}'")
    return _Point(time.time_ns(), text.text())


def _half_width_ns(points: list[_Point]) -> int:
    """b / 2a, in ns; b of a single narration is taken as a."""
    span_ns = points[-1].time_ns - points[0].time_ns if len(points) > 1 else 0
    mean_gap_s = span_ns / (len(points) - 1) / NS_PER_S if span_ns else ALPHA_S
    return max(1, round(mean_gap_s / (2 * ALPHA_S) * NS_PER_S))
