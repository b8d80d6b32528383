"""The themes that a key goes through. Text on label colours is dark in all of them (`edge.palette`)."""

from __future__ import annotations

from textual.theme import Theme

NIGHT = Theme(
    name="night",
    primary="#7ab5f0",
    secondary="#b39ddb",
    accent="#7ab5f0",
    foreground="#dfe4ea",
    background="#0e1115",
    surface="#14181d",
    panel="#1b2128",
    success="#5fd38d",
    warning="#e6c34d",
    error="#ff7b72",
    dark=True,
    variables={"soft": "#8b96a3", "strong": "#f2f5f8", "track": "#2a323b", "frame": "#39434e"},
)
DAY = Theme(
    name="day",
    primary="#1f5f9e",
    secondary="#5b3f8c",
    accent="#1f5f9e",
    foreground="#20262d",
    background="#fafafa",
    surface="#f1f2f4",
    panel="#e3e6ea",
    success="#157347",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={"soft": "#5b6570", "strong": "#0a0d10", "track": "#d3d8de", "frame": "#7d8792"},
)
CONTRAST = Theme(
    name="contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#00ff66",
    warning="#ffff00",
    error="#ff6666",
    dark=True,
    variables={"soft": "#d0d0d0", "strong": "#ffffff", "track": "#444444", "frame": "#ffffff"},
)

THEMES = (NIGHT, DAY, CONTRAST)
