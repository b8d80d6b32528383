"""How far the trainings are, on a terminal or in a log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from trainer.tables.runs import Run

_TERMINAL_S, _LOG_S = 0.5, 30.0
"""Least time between two lines."""


class Progress:
    """Counts runs; a line that renews itself on a terminal, else one every half a minute."""

    def __init__(self, stream: TextIO, total: int, there: int) -> None:
        """`there` of the `total` runs were finished before."""
        self._stream, self._total, self._there = stream, total, there
        self._finished, self._shown_s, self._started_s = there, 0.0, time.monotonic()
        self._write(f"{total:,} trainings, {there:,} of them finished before", last=True)

    def done(self, unit: Sequence[Run]) -> None:
        """The runs of `unit` are finished."""
        self._finished += len(unit)
        now_s, last = time.monotonic(), self._finished == self._total
        if not last and now_s - self._shown_s < (_TERMINAL_S if self._stream.isatty() else _LOG_S):
            return
        self._shown_s = now_s
        left_s = (now_s - self._started_s) / (self._finished - self._there) * (self._total - self._finished)
        self._write(f"{self._finished:,} of {self._total:,} trainings, {left_s / 60:.0f} min left", last)

    def _write(self, line: str, last: bool) -> None:
        terminal = self._stream.isatty()
        end = "\n" if last or not terminal else ""
        self._stream.write(f"\r{line} {end}" if terminal else f"{line}\n")
        self._stream.flush()
