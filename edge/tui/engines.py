"""The page of the engines: what runs where, and where the time of a label goes."""

from __future__ import annotations

from edge.contract import Snapshot, Telemetry
from edge.telemetry import ENGINE_STAGES, STAGES
from edge.text import cut
from edge.tui.lines import Line, bar
from edge.tui.machine import machine_line
from edge.tui.style import ACCENT, FAIR, SOFT, STRONG, TRACK

_NAME_CELLS = 9
_FIGURE_CELLS = 10


def engine_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Engines, then the median of every stage of a label as a bar, then the machine."""
    t, room = snapshot.telemetry, width - _NAME_CELLS
    engines: list[Line] = [
        [_name("" if i else "engines"), (cut(line, room), STRONG)] for i, line in enumerate(t.engines)
    ]
    opens = "" if snapshot.threshold is None else f"  segments open at {100 * snapshot.threshold:.0f} %"
    tail: list[Line] = [
        [_name("machine"), *machine_line(t)],
        [_name("rows"), (cut(f"{t.rows} computed, {t.skipped_rows} skipped{opens}", room), "")],
        *([[_name("hop"), (cut(f"x{t.hop_factor}: {t.hop_reason}", room), FAIR)]] if t.hop_factor > 1 else []),
    ]
    stages = _stages(t, room)
    if len(engines) + len(stages) + len(tail) + 2 <= height:
        return [*engines, [], *stages, [], *tail]
    return [*engines, *stages, *tail]


def _stages(t: Telemetry, room: int) -> list[Line]:
    """In the order of the data flow; each bar begins where the one before ends, so that together they are the age."""
    medians = t.stage_ms or {}
    total_ms, cells = sum(medians.values()), max(4, room - _FIGURE_CELLS)
    lines: list[Line] = []
    begun_ms = 0.0
    for stage in (name for name in STAGES if name in medians):
        ms = medians[stage]
        before = int(cells * begun_ms / total_ms) if total_ms else 0
        length = min(cells - before, max(1, round(cells * ms / total_ms) if total_ms else 0))
        colour = ACCENT if stage in ENGINE_STAGES else SOFT
        lines.append(
            [
                _name(stage),
                bar(0.0, before, TRACK),
                bar(1.0, length, colour),
                bar(0.0, cells - before - length, TRACK),
                (f"{ms:7.1f} ms", ""),
            ]
        )
        begun_ms += ms
    return lines or [[_name("stages"), ("no label yet", SOFT)]]


def _name(text: str) -> tuple[str, str]:
    return text.ljust(_NAME_CELLS), SOFT
