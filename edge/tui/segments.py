"""The last segments, newest first; with an annotation, whether each agrees with it."""

from __future__ import annotations

from edge.annotations import label_at
from edge.contract import NS_PER_S, Segment, Snapshot
from edge.palette import INK_COLOUR, label_colour
from edge.plain import clock_text
from edge.text import cell_width, cut
from edge.tui.lines import Line
from edge.tui.style import BAD, GOOD, SOFT

_FIXED_CELLS = 23


def segment_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """One line a segment: start, length, label, confidence, agreement with the truth at its middle."""
    newest = [*([snapshot.open_segment] if snapshot.open_segment else []), *reversed(snapshot.closed_segments)]
    if not newest:
        return [[("none yet", SOFT)]]
    return [_line(segment, snapshot, width) for segment in newest[:height]]


def _line(segment: Segment, snapshot: Snapshot, width: int) -> Line:
    length_s = (segment.end_ns - segment.start_ns) / NS_PER_S
    room = max(4, width - _FIXED_CELLS)
    name = cut(segment.label, room)
    tail = "…" if segment.state == "open" else " "
    return [
        (f"{clock_text(segment.start_ns / NS_PER_S):>7}{length_s:5.1f}{tail} ", SOFT),
        # Dark on the label's colour, as in the timeline: readable in a light theme too.
        (f" {name} ", f"{INK_COLOUR} on {label_colour(segment.label, snapshot.labels)}"),
        (" " * (room - cell_width(name)), ""),
        (f"{100 * segment.confidence:4.0f}% ", ""),
        _agreement(segment, snapshot),
    ]


def _agreement(segment: Segment, snapshot: Snapshot) -> tuple[str, str]:
    if not snapshot.truth:
        return "", ""
    truth = label_at(snapshot.truth, (segment.start_ns + segment.end_ns) // 2)
    return ("✓", GOOD) if truth == segment.label else ("✗", BAD)
