"""Asking a server that may be busy: waits that grow, with jitter, shared by all threads of a run.

The wait before try n + 1 is drawn from 0.5..1 of min(longest, first * 2^n) seconds; where the server says how long
(Retry-After, RFC 9110 section 10.2.3), no thread asks before that.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from edge.errors import EgoactError
from trainer.narration.rating.rater import RaterError, UnratedError

T = TypeVar("T")


class BusyError(EgoactError):
    """The server did not answer this time, but may the next."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


@dataclass
class Backoff:
    """Tries again until it works."""

    attempts: int = 6
    first_s: float = 1.0
    longest_s: float = 60.0
    patience_s: float = 600.0
    """A server that wants a longer pause ends the run."""
    _not_before_s: float = field(default=0.0, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def call(self, ask: Callable[[], T]) -> T:
        """What `ask` returns, called again after every `BusyError`.

        Raises:
            UnratedError: it was busy every time. RaterError: the run was given up, or the server wants a long pause.
        """
        for attempt in range(self.attempts):
            self._wait()
            try:
                return ask()
            except BusyError as busy:
                last = busy
                pause_s = min(self.longest_s, self.first_s * 2**attempt) * random.uniform(0.5, 1.0)
                if busy.retry_after_s is not None:
                    self._hold(busy)
                if attempt + 1 < self.attempts and self._stopped.wait(pause_s):
                    raise RaterError("given up") from None
        raise UnratedError(f"{last} ({self.attempts} times)") from None

    def stop(self) -> None:
        """Whoever waits gives up."""
        self._stopped.set()

    def _hold(self, busy: BusyError) -> None:
        """Nobody asks before the server wants it."""
        pause_s = busy.retry_after_s or 0.0
        if pause_s > self.patience_s:
            raise RaterError(f"{busy}, and asks for a pause of {pause_s:.0f} s; the same command goes on later")
        self._not_before_s = max(self._not_before_s, time.monotonic() + pause_s)

    def _wait(self) -> None:
        while (left_s := self._not_before_s - time.monotonic()) > 0:
            if self._stopped.wait(left_s):
                break
        if self._stopped.is_set():
            raise RaterError("given up")


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header names, as a number or as a date; None without a valid one."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
