"""Styles of the panels, by the names of the themes' colours, and the layout of the terminal view."""

from __future__ import annotations

GOOD, FAIR, BAD = "$success", "$warning", "$error"
SOFT = "$soft"
STRONG = "bold $strong"
ACCENT = "$accent"
TRACK = "$track"

FULL_COLUMNS, FULL_ROWS = 100, 30
"""From this size on the full layout is used; below it the compact one."""

CSS = """
Screen { layout: vertical; background: $background; }
Panel { text-wrap: nowrap; text-overflow: clip; background: $background; }
.box { border: round $frame; border-title-color: $soft; padding: 0 1; }
#header { height: 1; background: $panel; padding: 0 1; }
#pages { height: 1fr; }
#live { height: 100%; }
#top { height: 1fr; }
#preview { width: auto; height: 100%; }
#answer { width: 1fr; height: 100%; }
#label { height: 6; }
#columns { height: 1fr; }
.column { width: 1fr; height: 100%; }
#sound { height: 1; padding: 0 2; }
#timeline { height: 4; }
#timeline.with-truth { height: 5; }
#bottom { height: 8; }
#segments { width: 5fr; height: 100%; }
#telemetry { width: 6fr; height: 100%; }
#events { width: 5fr; height: 100%; }
.page { height: 100%; }
#help Static { width: 1fr; height: auto; }
.hidden { display: none; }
Footer { background: $panel; }

.tall #bottom { height: 13; }
.tall #label { height: 8; }

.compact .box { border: none; padding: 0 1; }
.compact #sound { padding: 0 1; }
.compact #label { height: 2; }
.compact.roomy #label { height: 4; }
.compact #timeline { height: 2; }
.compact #timeline.with-truth { height: 3; }
.compact #telemetry { width: 1fr; height: 2; }
.compact #segments { display: none; }
.compact #bottom { height: auto; layout: vertical; }
.compact #events { width: 1fr; height: 2; }
"""
