"""Scrolling timeline: what egoact said and, when there is an annotation, the truth below it; now is at the right."""

from __future__ import annotations

from collections.abc import Sequence

from edge.contract import NS_PER_S, Segment, Snapshot
from edge.palette import INK_COLOUR, label_colour
from edge.text import fit
from edge.tui.lines import Line
from edge.tui.style import SOFT, TRACK

_NAME_CELLS = 7


def timeline_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The rows 'egoact' and 'truth', with a time axis above when there is a row to spare."""
    cells = width - _NAME_CELLS
    if cells < 10:
        return []
    start_ns, end_ns = _span(snapshot, cells)
    said = [*snapshot.closed_segments, *([snapshot.open_segment] if snapshot.open_segment else [])]
    rows = [[("egoact ", SOFT), *segment_row(said, snapshot.labels, start_ns, end_ns, cells)]]
    if snapshot.truth:
        # The future is not shown: the truth is cut where the stream is.
        past = [s for s in snapshot.truth if s.start_ns < snapshot.stream_ns]
        rows.append(
            [("truth  ", SOFT), *segment_row(past, snapshot.labels, start_ns, end_ns, cells, snapshot.stream_ns)]
        )
    if height > len(rows):
        rows.insert(0, [(" " * _NAME_CELLS + _axis(start_ns, end_ns, cells), SOFT)])
    return rows


def time_at(snapshot: Snapshot, width: int, column: int) -> int | None:
    """Stream time in ns that `timeline_lines` draws in this column; None beside the rows."""
    cells = width - _NAME_CELLS
    if cells < 10 or not 0 <= column - _NAME_CELLS < cells:
        return None
    start_ns, end_ns = _span(snapshot, cells)
    return start_ns + (column - _NAME_CELLS) * (end_ns - start_ns) // cells


def _span(snapshot: Snapshot, cells: int) -> tuple[int, int]:
    """Stream time in ns of the left and the right edge."""
    span_ns = (60 if cells >= 90 else 30) * NS_PER_S
    end_ns = max(snapshot.stream_ns, span_ns)
    return end_ns - span_ns, end_ns


def segment_row(
    segments: Sequence[Segment],
    labels: tuple[str, ...],
    start_ns: int,
    end_ns: int,
    cells: int,
    cut_ns: int | None = None,
) -> Line:
    """One row of exactly `cells` cells for start_ns..end_ns; segments in order of time, each at least one cell."""
    line: Line = []
    at = 0
    for segment in segments:
        until_ns = min(segment.end_ns, end_ns if cut_ns is None else cut_ns)
        if until_ns <= start_ns or segment.start_ns >= end_ns:
            continue
        first = max(at, _cell(segment.start_ns, start_ns, end_ns, cells))
        last = min(cells, max(first + 1, _cell(until_ns, start_ns, end_ns, cells)))
        if first >= cells or last <= first:
            continue
        if first > at:
            line.append(("─" * (first - at), TRACK))
        text = fit(" " + segment.label, last - first) if last - first > 3 else " " * (last - first)
        line.append((text, f"{INK_COLOUR} on {label_colour(segment.label, labels)}"))
        at = last
    return [*line, ("─" * (cells - at), TRACK)] if at < cells else line


def _cell(time_ns: int, start_ns: int, end_ns: int, cells: int) -> int:
    return max(0, min(cells, round((time_ns - start_ns) * cells / (end_ns - start_ns))))


def _axis(start_ns: int, end_ns: int, cells: int) -> str:
    """Times every 10 s (5 s on a short span), each written from its own cell on."""
    step_s = 10 if end_ns - start_ns > 40 * NS_PER_S else 5
    axis = [" "] * cells
    first = -(-start_ns // (step_s * NS_PER_S))
    for tick in range(first, end_ns // (step_s * NS_PER_S) + 1):
        at = _cell(tick * step_s * NS_PER_S, start_ns, end_ns, cells)
        text = f"╵{tick * step_s // 60}:{tick * step_s % 60:02d}"
        if at + len(text) <= cells:
            axis[at : at + len(text)] = text
    return "".join(axis)
