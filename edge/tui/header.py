"""Header line: what is shown, its state and time, and whether anything is recorded."""

from __future__ import annotations

from edge.contract import NS_PER_S, Snapshot
from edge.plain import clock_text
from edge.playback import Playback
from edge.sensor_status import SENSOR_NAMES
from edge.text import cut
from edge.tui.health import too_hot
from edge.tui.lines import Line, text_of
from edge.tui.style import ACCENT, BAD, FAIR, GOOD, SOFT, STRONG


def header_lines(snapshot: Snapshot, width: int, *, paused: bool) -> list[Line]:
    """One line of exactly `width` cells."""
    state, colour = _state(snapshot, paused)
    name, clock, badge = "egoact", f"  {clock_text(snapshot.stream_ns / NS_PER_S)}", _badge(snapshot)
    state = cut(state, max(0, width - len(name) - 4 - len(clock) - len(badge[0]) - 2))
    right: Line = [(f"● {state}", f"bold {colour}"), (clock, STRONG), badge]
    room = width - len(name) - 4 - len(text_of([right]))
    title = cut(snapshot.title, max(room, 0))
    gap = " " * max(0, width - len(name) - 2 - len(text_of([[(title, "")]])) - len(text_of([right])))
    return [[(name, f"bold {ACCENT}"), ("  ", ""), (title, STRONG), (gap, ""), *right]]


def _state(snapshot: Snapshot, paused: bool) -> tuple[str, str]:
    if snapshot.problem is not None:
        return "error", BAD
    if snapshot.playback is not None:
        return _playback(snapshot.playback)
    if snapshot.finished:
        return "finished, press q", ACCENT
    if paused:
        return "display paused", FAIR
    t = snapshot.telemetry
    if snapshot.prediction is not None and snapshot.prediction.blind:
        return ", ".join(["nothing to see or hear", *_muted(snapshot)]), BAD
    away = [SENSOR_NAMES[s.modality] for s in snapshot.sensors if s.state in ("stalled", "lost", "off")]
    limits = [f"no {' and no '.join(away)}"] if away else []
    if t.hop_factor > 1:
        limits.append(f"too {'hot' if too_hot(t) else 'slow'}: hop x{t.hop_factor}")
    limits += _muted(snapshot)
    if snapshot.prediction is None:
        return ", ".join(["starting", *limits]), BAD if t.dropped_frames else FAIR
    return (", ".join(["running", *limits]), FAIR) if limits else ("running", GOOD)


def _playback(playback: Playback) -> tuple[str, str]:
    at_end = playback.duration_ns is not None and playback.position_ns >= playback.duration_ns - NS_PER_S
    speed = "" if playback.speed == 1.0 else f" {playback.speed:g}x"
    pace = playback.waiting or ("paused" if playback.paused else "at the end" if at_end else f"playing{speed}")
    parts = [pace]
    if playback.here is not None:
        here = playback.here
        parts.append(f"said {here.said or 'nothing'}, annotated {here.annotated or 'nothing'}")
    elif playback.disagreements:
        count = len(playback.disagreements)
        parts.append(f"{count} error{'s' if count > 1 else ''} so far")
    return ", ".join(parts), BAD if playback.here is not None else FAIR if playback.waiting else ACCENT


def _muted(snapshot: Snapshot) -> list[str]:
    muted = " and ".join(sorted(snapshot.masked, reverse=True))
    return [f"{muted} muted"] if muted else []


def _badge(snapshot: Snapshot) -> tuple[str, str]:
    recording = snapshot.recording
    if snapshot.playback is not None:
        return "", ""
    if recording is None:
        return "  REC off", SOFT
    if not recording.writing:
        return "  REC paused", f"bold {FAIR}"
    return (f"  REC, {recording.dropped} lost", f"bold {FAIR}") if recording.dropped else ("  REC", f"bold {BAD}")
