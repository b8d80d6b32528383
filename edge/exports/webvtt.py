"""Segments as WebVTT subtitles, which players show over the clip.

Format: W3C, "WebVTT: The Web Video Text Tracks Format", section 4: a cue is a time line and lines of text; in its text
`&`, `<` and `>` are escaped, so that '-->' cannot occur.
"""

from __future__ import annotations

from edge.contract import RunResult
from edge.text import printable


def webvtt(result: RunResult) -> str:
    """One cue a segment: its label and confidence."""
    lines = ["WEBVTT", ""]
    for number, s in enumerate(result.segments, start=1):
        lines += [
            str(number),
            f"{_time(s.start_ns)} --> {_time(max(s.end_ns, s.start_ns + 1_000_000))}",
            f"{_escaped(s.label)} ({100 * s.confidence:.0f} %)",
            "",
        ]
    return "\n".join(lines) + "\n"


def _time(ns: int) -> str:
    milliseconds = round(ns / 1e6)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def _escaped(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
