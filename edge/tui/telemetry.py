"""Telemetry: label age, frames, sensors, heat, power, stage times, engines; coloured by health."""

from __future__ import annotations

from edge.contract import Snapshot, Telemetry
from edge.text import cut
from edge.tui.health import age_colour, drop_colour, rate_colour
from edge.tui.lines import Line, Piece
from edge.tui.machine import machine_line
from edge.tui.sensors import sensor_line
from edge.tui.style import FAIR, SOFT

_NAME_CELLS = 8


def telemetry_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """Two dense lines in a low panel, one line a subject in a high one."""
    t = snapshot.telemetry
    if height <= 2:
        return [
            [("age ", SOFT), *_age(t), ("  ", ""), *_rate(t), *_limits(t)],
            [("frames ", SOFT), *_frames(t, short=True), ("  ", ""), *machine_line(t)],
        ]
    room = width - _NAME_CELLS
    lines: list[Line] = [
        [_name("age"), *_age(t), ("  ", ""), *_rate(t)],
        [_name("frames"), *_frames(t, short=room < 38)],
        *(sensor_line(sensor, width) for sensor in snapshot.sensors),
        [_name("machine"), *machine_line(t)],
        [_name("stages"), (cut(_stages(t), room), "")],
        *([[_name("opens"), (f"at {100 * snapshot.threshold:.0f} %", "")]] if snapshot.threshold is not None else []),
    ]
    engines = [[_name("" if index else "engine"), (cut(line, room), "")] for index, line in enumerate(t.engines)]
    return lines + engines


def _name(text: str) -> Piece:
    return text.ljust(_NAME_CELLS), SOFT


def _age(t: Telemetry) -> Line:
    if t.label_age_ms is None:
        return [("not at real pace" if t.rows else "no label yet", SOFT)]
    p50, p95, p99 = t.label_age_ms
    return [(f"{p50:.0f} / ", ""), (f"{p95:.0f}", f"bold {age_colour(p95)}"), (f" / {p99:.0f} ms", "")]


def _frames(t: Telemetry, *, short: bool) -> Line:
    dropped = (f"{t.dropped_frames} dropped", drop_colour(t))
    skipped = f", {t.skipped_rows} rows skipped" if t.skipped_rows else ""
    stretched = f", hop x{t.hop_factor}" if t.hop_factor > 1 else ""
    if short:
        return [(f"{t.captured_frames}, ", ""), dropped, (stretched, f"bold {FAIR}")]
    return [
        (f"{t.captured_frames} captured, {t.used_frames} used, ", ""),
        dropped,
        (skipped, ""),
        (stretched, f"bold {FAIR}"),
    ]


def _rate(t: Telemetry) -> Line:
    # When replaying as fast as possible the rate says nothing about health.
    colour = rate_colour(t.frame_rate_hz) if t.label_age_ms is not None else ""
    return [(f"{t.frame_rate_hz:.1f} fps", colour)]


def _stages(t: Telemetry) -> str:
    """Medians in ms, the longest first, so that a narrow panel loses the least."""
    longest = sorted((t.stage_ms or {}).items(), key=lambda item: -item[1])
    return "  ".join(f"{name} {ms:.0f}" for name, ms in longest if ms >= 0.5) or "-"


def _limits(t: Telemetry) -> Line:
    """What a low panel says in its first line."""
    return [(f"  hop x{t.hop_factor}", f"bold {FAIR}")] if t.hop_factor > 1 else []
