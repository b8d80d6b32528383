"""The log of events in plain words, newest at the bottom."""

from __future__ import annotations

from edge.contract import Snapshot
from edge.text import cut
from edge.tui.lines import Line


def event_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The last `height` events, one line each."""
    newest = snapshot.events[-height:] if height else ()
    return [[(cut(event, width), "")] for event in newest]
