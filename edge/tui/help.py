"""The help page: keys, and how to read the screen."""

from __future__ import annotations

from edge.tui.lines import Line
from edge.tui.style import ACCENT, SOFT

_KEYS = (
    ("q", "stop and quit"),
    ("space", "pause the display (the run goes on)"),
    ("← →", "recorded clip: 5 s back or on; with shift 30 s; home, end; or click on the timeline"),
    ("[ ]", "recorded clip: slower, faster"),
    ("n N", "recorded clip: next and previous error against its annotation"),
    ("f", "flag: save the last seconds for egoact replay"),
    ("v a", "mute video, audio: the model goes without it"),
    ("- +", "threshold from which a segment opens"),
    ("p", "camera preview on and off"),
    ("d e l", "devices, engines, live"),
    ("t", "next theme"),
    ("s", "picture of the screen to an SVG file"),
    ("?", "this help and back"),
)
_READING = (
    "all, video alone, audio alone: what the model says with both, and with only one of them",
    "age: sensor to label in ms, half / 95 % / 99 % of the labels are younger",
    "unknown: no label is likely enough",
)


def help_lines() -> list[Line]:
    """Keys first, then how to read the screen."""
    keys: list[Line] = [[(f" {key:<7}", f"bold {ACCENT}"), (text, "")] for key, text in _KEYS]
    return [*keys, *([(text, SOFT)] for text in _READING)]
