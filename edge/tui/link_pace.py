"""How a view keeps to a slow link's pace: nothing is drawn while the link still takes what was drawn before."""

from __future__ import annotations

from collections import deque
from typing import TextIO


class WatchedWriter:
    """The terminal as Textual's writing thread sees it; knows whether something is on its way."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self.busy = False
        """What was written has not been taken yet."""

    def write(self, text: str) -> int:
        self.busy = True
        try:
            return self._terminal.write(text)
        except OSError:
            self.busy = False  # it hung up
            raise

    def flush(self) -> None:
        try:
            self._terminal.flush()
        finally:
            self.busy = False

    def fileno(self) -> int:
        return self._terminal.fileno()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def close(self) -> None:
        self._terminal.close()


class LinkPace:
    """Counts ticks at which the link was busy."""

    def __init__(self, ticks: int = 30, most_busy: int = 15) -> None:
        self._busy: deque[bool] = deque(maxlen=ticks)
        self._most_busy = most_busy

    def tick(self, busy: bool) -> bool:
        """True when the link has been too slow for the last ticks; then counting starts anew."""
        self._busy.append(busy)
        if sum(self._busy) <= self._most_busy:
            return False
        self._busy.clear()
        return True
