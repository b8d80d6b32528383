"""The log of events in plain words, newest at the bottom."""

from __future__ import annotations

from edge.contract import Snapshot
from edge.text import cut
from edge.tui.lines import Line
from edge.tui.style import SOFT


def event_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The last `height` events, one line each."""
    newest = snapshot.events[-height:] if height else ()
    return [_line(cut(event, width)) for event in newest]


def _line(event: str) -> Line:
    """The time, if there is one, softer than the words."""
    time, space, words = event.partition(" ")
    return [(time + space, SOFT), (words, "")] if time[:1].isdigit() and ":" in time else [(event, "")]
