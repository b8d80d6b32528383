"""Header line: what is shown, its state and time, and whether anything is recorded."""

from __future__ import annotations

from edge.contract import NS_PER_S, Snapshot
from edge.plain import clock_text
from edge.sensor_status import SENSOR_NAMES
from edge.text import cut
from edge.tui.lines import Line, text_of
from edge.tui.style import ACCENT, BAD, FAIR, GOOD, SOFT, STRONG


def header_lines(snapshot: Snapshot, width: int, *, paused: bool) -> list[Line]:
    """One line of exactly `width` cells."""
    state, colour = _state(snapshot, paused)
    right: Line = [(f"● {state}", f"bold {colour}"), (f"  {clock_text(snapshot.stream_ns / NS_PER_S)}", STRONG)]
    if width >= 50:
        right.append(("  REC none", SOFT))
    name = "egoact"
    room = width - len(name) - 4 - len(text_of([right]))
    title = cut(snapshot.title, max(room, 0))
    gap = " " * max(0, width - len(name) - 2 - len(text_of([[(title, "")]])) - len(text_of([right])))
    return [[(name, f"bold {ACCENT}"), ("  ", ""), (title, STRONG), (gap, ""), *right]]


def _state(snapshot: Snapshot, paused: bool) -> tuple[str, str]:
    if snapshot.finished:
        return "finished, press q", ACCENT
    if paused:
        return "display paused", FAIR
    if snapshot.prediction is None:
        return "starting", BAD if snapshot.telemetry.dropped_frames else FAIR
    away = [SENSOR_NAMES[s.modality] for s in snapshot.sensors if s.state in ("stalled", "lost", "off")]
    if snapshot.prediction.blind:
        return "nothing to see or hear", BAD
    return (f"running, no {' and no '.join(away)}", FAIR) if away else ("running", GOOD)
