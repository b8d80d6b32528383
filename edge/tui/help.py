"""The help box: keys, and how to read the screen."""

from __future__ import annotations

from edge.tui.lines import Line
from edge.tui.style import ACCENT, SOFT

_KEYS = (
    ("q", "stop and quit"),
    ("p", "pause the display (the run goes on)"),
    ("v", "camera preview on and off"),
    ("c", "camera: keep it from the model, and give it back"),
    ("m", "microphone: keep it from the model, and give it back"),
    ("- +", "threshold from which a segment opens"),
    ("?", "show and hide this help"),
)
_READING = (
    "all, video alone, audio alone: what the model says with both, and with only one of them",
    "age: sensor to label in ms, half / 95 % / 99 % of the labels are younger",
    "unknown: no label is likely enough",
)


def help_lines() -> list[Line]:
    """Keys first, then how to read the screen."""
    keys: list[Line] = [[(f" {key}  ", f"bold {ACCENT}"), (text, "")] for key, text in _KEYS]
    return [*keys, *([(text, SOFT)] for text in _READING)]
