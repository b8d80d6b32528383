"""A line about a long run: how many are done, how fast, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

RENEW_S, LINE_S = 0.5, 15.0
"""How often the line is renewed on a terminal, and how often a line is written elsewhere."""
WIDTH = 24


class Bar:
    """Counts what is done of `total` things called `noun`."""

    def __init__(self, total: int, noun: str, out: TextIO, seconds: Callable[[], float] = time.monotonic) -> None:
        self._total, self._noun, self._out, self._seconds = total, noun, out, seconds
        self._started_s = self._shown_s = seconds()
        self._done = 0
        self._note = ""
        self._terminal = out.isatty()

    def add(self, count: int, note: str = "") -> None:
        """`count` more are done; `note` is shown at the end of the line."""
        self._done += count
        self._note = note
        now_s = self._seconds()
        if now_s - self._shown_s >= (RENEW_S if self._terminal else LINE_S):
            self._shown_s = now_s
            self._write("" if self._terminal else "\n")

    def end(self) -> None:
        """Write the last line."""
        self._write("\n")

    @property
    def per_s(self) -> float:
        return self._done / max(self._seconds() - self._started_s, 1e-3)

    def line(self) -> str:
        """What is known now."""
        share = self._done / max(self._total, 1)
        bar = "#" * int(WIDTH * share)
        text = f"[{bar:<{WIDTH}}] {self._done:,} of {self._total:,} {self._noun}, {self.per_s:.1f}/s"
        if 0 < self._done < self._total:
            text += f", {duration((self._total - self._done) / self.per_s)} left"
        return text + (f", {self._note}" if self._note else "")

    def _write(self, end: str) -> None:
        self._out.write(f"\r{self.line():<79}{end}" if self._terminal else f"{self.line()}{end}")
        self._out.flush()


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3.2 h'."""
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
