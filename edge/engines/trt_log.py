"""What TensorRT complains about, kept for our own one-line errors instead of being printed."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Any

from edge.text import printable


@lru_cache(maxsize=4)
def log_of(trt: Any) -> Any:
    """The logger of a TensorRT module. One a process: TensorRT goes on using the first that it was given."""

    class Log(trt.ILogger):
        """Keeps the newest errors."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: deque[str] = deque(maxlen=20)

        def log(self, severity: Any, message: str) -> None:
            if int(severity) <= int(trt.ILogger.Severity.ERROR):
                self._errors.append(message)

        def taken(self) -> str:
            """The errors since the last call, as one line; the first is the cause, later ones are its echo."""
            reason = printable(self._errors[0].strip()) if self._errors else "no reason given"
            self._errors.clear()
            return reason

    return Log()
