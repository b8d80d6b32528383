"""Colours, theme and layout of the terminal view."""

from __future__ import annotations

from textual.theme import Theme

GOOD, FAIR, BAD = "#5fd38d", "#e6c34d", "#ff7b72"
SOFT = "#8b96a3"
STRONG = "bold #f2f5f8"
ACCENT = "#7ab5f0"
TRACK = "#2a323b"

FULL_COLUMNS, FULL_ROWS = 100, 30
"""From this size on the full layout is used; below it the compact one."""

THEME = Theme(
    name="egoact",
    primary=ACCENT,
    secondary="#b39ddb",
    accent=ACCENT,
    foreground="#dfe4ea",
    background="#0e1115",
    surface="#14181d",
    panel="#1b2128",
    success=GOOD,
    warning=FAIR,
    error=BAD,
    dark=True,
)

CSS = """
Screen { layout: vertical; background: $background; layers: base help; }
Panel { text-wrap: nowrap; text-overflow: clip; background: $background; }
.box { border: round #39434e; border-title-color: #8b96a3; padding: 0 1; }
#header { height: 1; background: $panel; padding: 0 1; }
#top { height: 1fr; }
#preview { width: auto; height: 100%; }
#answer { width: 1fr; height: 100%; }
#label { height: 6; }
#columns { height: 1fr; }
.column { width: 1fr; height: 100%; }
#timeline { height: 4; }
#timeline.with-truth { height: 5; }
#bottom { height: 8; }
#segments { width: 5fr; height: 100%; }
#telemetry { width: 6fr; height: 100%; }
#events { width: 5fr; height: 100%; }
#help { layer: help; dock: bottom; height: auto; margin: 0 0 1 0; background: $panel;
        border: round $accent; border-title-color: $accent; padding: 0 1; display: none; }
#help.shown { display: block; }
.hidden { display: none; }
Footer { background: $panel; }

.tall #bottom { height: 13; }
.tall #label { height: 8; }

.compact .box { border: none; padding: 0 1; }
.compact #label { height: 2; }
.compact.roomy #label { height: 4; }
.compact #timeline { height: 2; }
.compact #timeline.with-truth { height: 3; }
.compact #telemetry { width: 1fr; height: 2; }
.compact #segments { display: none; }
.compact #bottom { height: auto; layout: vertical; }
.compact #events { width: 1fr; height: 2; }
"""
