"""The current label, as big as the space allows, with its calibrated confidence."""

from __future__ import annotations

from edge.contract import NS_PER_S, Snapshot
from edge.palette import NEUTRAL_COLOUR, label_colour
from edge.sensor_status import SENSOR_NAMES
from edge.text import cell_width, cut, printable
from edge.tui.letters import BIG_ROWS, big_letters
from edge.tui.lines import Line, bar
from edge.tui.style import BAD, SOFT, STRONG

UNKNOWN = "unknown"


def label_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """The label (big from five rows on), then its confidence, then what goes on."""
    prediction = snapshot.prediction
    if snapshot.problem is not None:
        word, colour, details = "error", BAD, [(cut(snapshot.problem, width), "")]
    elif prediction is None:
        word, colour, details = (
            "finished" if snapshot.finished else "starting",
            NEUTRAL_COLOUR,
            _waiting(snapshot, width),
        )
    elif prediction.blind:
        word, colour, details = "no label", NEUTRAL_COLOUR, [(cut(_why_blind(snapshot), width), SOFT)]
    else:
        idle = prediction.label == snapshot.background_label
        word = UNKNOWN if prediction.unknown and not idle else prediction.label
        colour = NEUTRAL_COLOUR if prediction.unknown else label_colour(prediction.label, snapshot.labels)
        bar_cells = max(8, min(40, width - 30))
        guess = f"   best guess {printable(prediction.label)}" if word == UNKNOWN else _since(snapshot)
        details = [
            bar(prediction.confidence, bar_cells, colour),
            (f" {100 * prediction.confidence:3.0f} %", STRONG),
            (cut(guess, max(0, width - bar_cells - 6)), SOFT),
        ]
    big = big_letters(word) if height >= BIG_ROWS + 1 else None
    if big is None or cell_width(big[0]) > width:
        return [[(cut(word, width), f"bold {colour}")], details]
    lines: list[Line] = [[(row, colour)] for row in big]
    return [*([[]] if height > BIG_ROWS + 2 else []), *lines, details]


def _why_blind(snapshot: Snapshot) -> str:
    away = [f"{SENSOR_NAMES[s.modality]} {s.state}: {s.reason}" for s in snapshot.sensors if s.state != "running"]
    muted = [f"{modality} muted" for modality in sorted(snapshot.masked, reverse=True)]
    return "; ".join([*away, *muted]) or "nothing to see or hear"


def _since(snapshot: Snapshot) -> str:
    going_on = snapshot.open_segment
    if going_on is None:
        return ""
    return f"   {printable(going_on.label)} for {(going_on.end_ns - going_on.start_ns) / NS_PER_S:.1f} s"


def _waiting(snapshot: Snapshot, width: int) -> Line:
    frames = snapshot.telemetry.captured_frames
    text = "no label was given" if snapshot.finished else f"waiting for the first label, {frames} frames so far"
    if not snapshot.finished and any(s.state != "running" for s in snapshot.sensors):
        text = "; ".join(
            f"{SENSOR_NAMES[s.modality]} {s.state}{f': {s.reason}' if s.reason else ''}" for s in snapshot.sensors
        )
    return [(cut(text, width), SOFT)]
