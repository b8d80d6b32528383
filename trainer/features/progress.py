"""A line about a long extraction: videos, rows, rows per second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

RENEW_S, LINE_S = 0.5, 15.0
"""How often the line is renewed on a terminal, and how often a line is written elsewhere."""


class Progress:
    """Counts what is done; the time left is estimated from the sizes of the files."""

    def __init__(self, out: TextIO, seconds: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._seconds = seconds
        self._terminal = out.isatty()
        self._started_s = self._shown_s = seconds()
        self._videos = self._total = self._skipped = 0
        self._bytes = self._total_bytes = 0
        self._finished_rows = self._rows_in_flight = 0

    def start(self, total: int, skipped: int, total_bytes: int) -> None:
        """`total` videos in all, of which `skipped` were done before; `total_bytes` of files are left."""
        self._total, self._skipped, self._total_bytes = total, skipped, total_bytes
        self._started_s = self._shown_s = self._seconds()
        if skipped:
            self._out.write(f"{skipped} of {total} videos were there already\n")

    def rows(self, count: int) -> None:
        """`count` more rows of a video that is not finished."""
        self._rows_in_flight += count
        self._show()

    def video(self, rows: int, size_bytes: int) -> None:
        """A video is finished."""
        self._videos += 1
        self._finished_rows += rows
        self._rows_in_flight = 0
        self._bytes += size_bytes
        self._show()

    def end(self) -> None:
        """Write the last line."""
        self._write("\n")

    @property
    def rows_per_s(self) -> float:
        return (self._finished_rows + self._rows_in_flight) / max(self._seconds() - self._started_s, 1e-3)

    def line(self) -> str:
        """What is known now."""
        rows = self._finished_rows + self._rows_in_flight
        text = f"{self._skipped + self._videos} of {self._total} videos, {rows} rows, {self.rows_per_s:.1f} rows/s"
        left = self._skipped + self._videos < self._total
        if left and self._bytes:
            elapsed_s = self._seconds() - self._started_s
            text += f", {_duration(elapsed_s * (self._total_bytes - self._bytes) / self._bytes)} left"
        return text

    def _show(self) -> None:
        now_s = self._seconds()
        if now_s - self._shown_s >= (RENEW_S if self._terminal else LINE_S):
            self._shown_s = now_s
            self._write("" if self._terminal else "\n")

    def _write(self, end: str) -> None:
        self._out.write(f"\r{self.line():<79}{end}" if self._terminal else f"{self.line()}{end}")
        self._out.flush()


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
