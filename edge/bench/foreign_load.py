"""The share of the processor that other programs take while something is measured.

Source: proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in clock ticks, over all cores.
"""

from __future__ import annotations

import os
from pathlib import Path

from edge.sysfs import read_text

_IDLE, _IOWAIT = 3, 4
_COUNTED = 8
"""Guests' time after the first eight is part of user time."""


class ForeignLoad:
    """Begins to count when it is made; children count as ours once they were waited for."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = root / "proc/stat"
        self._begun = self._now()

    def share(self) -> float | None:
        """Since the beginning, 0..1 of all cores; None where the kernel does not tell."""
        if self._begun is None or (now := self._now()) is None:
            return None
        total, busy, own_s = (after - before for before, after in zip(self._begun, now, strict=True))
        if total <= 0:
            return None
        return max(0.0, min(1.0, (busy - own_s * os.sysconf("SC_CLK_TCK")) / total))

    def _now(self) -> tuple[float, float, float] | None:
        words = (read_text(self._file) or "").partition("\n")[0].split()[1:]
        if len(words) < _COUNTED:
            return None
        ticks = [int(word) for word in words[:_COUNTED]]
        total, times = sum(ticks), os.times()
        own_s = times.user + times.system + times.children_user + times.children_system
        return total, total - ticks[_IDLE] - ticks[_IOWAIT], own_s
