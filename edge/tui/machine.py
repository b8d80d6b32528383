"""Heat, power and memory of the machine, coloured by health."""

from __future__ import annotations

from edge.contract import Telemetry
from edge.tui.health import heat_colour
from edge.tui.lines import Line


def machine_line(t: Telemetry) -> Line:
    """What the machine tells: the hottest zone first, then power, then memory."""
    line: Line = []
    if t.heat is not None:
        line.append((f"{t.heat[1]:.0f} °C", heat_colour(t)))
    if t.power_w is not None:
        line.append((f"{'  ' if line else ''}{t.power_w:.1f} W", ""))
    return [*line, (f"{'  ' if line else ''}{t.memory_mb:.0f} MB", "")]
