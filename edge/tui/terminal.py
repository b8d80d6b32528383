"""The terminal belongs to the view alone: what native libraries print on file descriptor 2 goes to a log file.

Textual draws on `sys.__stderr__`, and sound, video and inference libraries print on descriptor 2 behind Python's back:
both at once garble the screen. So descriptor 2 is pointed at the log, and Textual gets its own copy of the terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from edge.errors import EgoactError, UsageError
from edge.text import printable
from edge.tui.link_pace import WatchedWriter

if TYPE_CHECKING:
    from edge.tui.app import EgoactApp


def run_on_terminal(app: EgoactApp, log_path: Path | str) -> None:
    """Run the app on the real terminal until it ends; everything else that is printed is appended to `log_path`.

    Raises:
        UsageError: there is no terminal.
        EgoactError: the log cannot be opened, or the view failed (the log holds the details).
    """
    with quiet_terminal(log_path) as screen:
        app.link_busy = lambda: screen.busy
        app.run()
    if app.return_code:
        where = printable(str(log_path))
        raise EgoactError(f"the terminal view failed: run without it, or read {where} and report what it says")


@contextmanager
def quiet_terminal(log_path: Path | str) -> Iterator[WatchedWriter]:
    """Inside, `sys.__stderr__` is the terminal, which is yielded, and descriptor 2 the log; afterwards as before."""
    screen_fd = _screen_fd()
    if screen_fd is None:
        raise UsageError("there is no terminal to draw on: leave out --tui")
    try:
        log_fd = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise EgoactError(f"{printable(str(log_path))}: the log cannot be opened: {error.strerror}") from error
    sys.stderr.flush()
    before, screen = sys.__stderr__, WatchedWriter(_writer(os.dup(screen_fd)))
    before_fd = os.dup(2)
    try:
        os.dup2(log_fd, 2)
        sys.__stderr__ = screen  # type: ignore[assignment,misc]
        yield screen
    finally:
        sys.stderr.flush()
        sys.__stderr__ = before  # type: ignore[misc]
        os.dup2(before_fd, 2)
        screen.close()
        os.close(before_fd)
        os.close(log_fd)


def _screen_fd() -> int | None:
    return next((fd for fd in (2, 1) if os.isatty(fd)), None)


def _writer(fd: int) -> TextIO:
    return os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace")
