"""What C libraries print on descriptor 2 (ALSA a dozen lines at each start) kept off the terminal, and at hand."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


class Noise:
    """The text that was caught; complete once the block of `caught_noise` was left."""

    text = ""

    def last_line(self) -> str:
        """The last line with something in it, or ''."""
        return next((line.strip() for line in reversed(self.text.splitlines()) if line.strip()), "")


@contextmanager
def caught_noise() -> Iterator[Noise]:
    """Inside, descriptor 2 of the whole process, all its threads, is a temporary file without a name."""
    noise = Noise()
    sys.stderr.flush()
    before_fd = os.dup(2)
    try:
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield noise
            finally:
                sys.stderr.flush()
                os.dup2(before_fd, 2)
                caught.seek(0)
                noise.text = caught.read(64_000).decode(errors="replace")
    finally:
        os.close(before_fd)
