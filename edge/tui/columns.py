"""What one masked row of the head thinks: its five most probable labels as bars."""

from __future__ import annotations

import numpy as np

from edge.contract import MODES, Snapshot
from edge.palette import label_colour
from edge.text import cell_width, fit
from edge.tui.lines import Line, bar
from edge.tui.style import SOFT, STRONG

TOP_LABELS = 5
COLUMN_TITLES = ("all", "video alone", "audio alone")
_MISSING = ("nothing to see or hear", "no picture", "no sound")


def column_lines(snapshot: Snapshot, mode_index: int, width: int, height: int, *, titled: bool) -> list[Line]:
    """The top five of mode `mode_index` (order of MODES); `titled` puts the column's name on the first line."""
    lines: list[Line] = [[(fit(COLUMN_TITLES[mode_index], width), f"bold {SOFT}")]] if titled else []
    if snapshot.prediction is None:
        return [*lines, [("waiting", SOFT)]]
    row = snapshot.prediction.probabilities[mode_index]
    if np.isnan(row).any():
        kept = mode_index > 0 and MODES[mode_index] in snapshot.masked
        return [*lines, [(fit("kept from the model" if kept else _MISSING[mode_index], width), SOFT)]]
    best = np.argsort(-row, kind="stable")[:TOP_LABELS]
    longest = max(cell_width(label) for label in snapshot.labels)
    tall = (height - len(lines)) // TOP_LABELS
    for place, index in enumerate(best):
        label, share = snapshot.labels[index], float(row[index])
        style = STRONG if place == 0 else ""
        colour = label_colour(label, snapshot.labels, neutral=(snapshot.background_label,))
        if tall < 2:
            name_cells = max(4, min(longest, width // 2 - 1))
            bar_cells = max(0, width - name_cells - 6)
            name, value = fit(label, name_cells), f" {100 * share:3.0f}%"
            lines.append([(name, style), (" ", ""), bar(share, bar_cells, colour), (value, style)])
        else:
            lines.append([(fit(label, width - 6), style), (f" {100 * share:3.0f} %"[-6:], style)])
            lines.append([bar(share, width, colour)])
            lines += [[]] * min(tall - 2, 1)
    return lines
