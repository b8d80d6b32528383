"""The sound strip: level and spectrum of the last 0.1 s, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from edge.contract import Snapshot
from edge.sensor_status import SENSOR_NAMES
from edge.text import cut
from edge.tui.lines import Line, bar
from edge.tui.style import ACCENT, BAD, SOFT

_QUIETEST_DB, _LOUD_DB = -60.0, -3.0
_LOWEST_DB, _HIGHEST_DB = -90.0, -20.0
"""Of a spectrum band: lowest and highest glyph."""
_GLYPHS = " ▁▂▃▄▅▆▇█"
_NAME, _LEVEL_CELLS, _BAR_CELLS = "sound  ", 8, 16


def sound_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """One line: the level as a bar and in dB full scale, and the spectrum in the rest of the width."""
    level_db = snapshot.sound_level_db
    if level_db is None:
        return [[(_NAME, SOFT), (cut(_why_none(snapshot), width - len(_NAME)), SOFT)]]
    bar_cells = _BAR_CELLS if width >= 60 else 8
    rest = width - len(_NAME) - bar_cells - _LEVEL_CELLS
    return [
        [
            (_NAME, SOFT),
            bar((level_db - _QUIETEST_DB) / -_QUIETEST_DB, bar_cells, BAD if level_db > _LOUD_DB else ACCENT),
            (f"{level_db:4.0f} dB ", ""),
            (spectrum_text(snapshot.sound_bands_db, rest), ACCENT),
        ]
    ]


def spectrum_text(bands_db: Sequence[float], cells: int) -> str:
    """One glyph a band from low to high, each as wide as whole cells allow; neighbours share one when there are few."""
    if not bands_db or cells < 1:
        return ""
    wide, together = max(1, cells // len(bands_db)), -(-len(bands_db) // cells)
    shown = [max(bands_db[i : i + together]) for i in range(0, len(bands_db), together)]
    return "".join(_GLYPHS[_step(db)] * wide for db in shown)


def _step(db: float) -> int:
    share = (db - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB)
    return round(min(max(share, 0.0), 1.0) * (len(_GLYPHS) - 1))


def _why_none(snapshot: Snapshot) -> str:
    away = [s for s in snapshot.sensors if s.modality == "audio" and s.state != "running"]
    return f"none, {SENSOR_NAMES['audio']} {away[0].state}: {away[0].reason}" if away else "no sound"
