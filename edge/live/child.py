"""A child process: started with a link, its noise kept at hand, ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

from edge.live.link import Link, LinkClosed
from edge.text import printable

_NOISE_LINES = 20
# The parent's own search path: `-m` would put the working directory before it.
_PROGRAM = "import sys; sys.path[:] = sys.argv[4:]; import runpy; runpy.run_module(sys.argv[1], run_name='__main__')"


class Child:
    """One process of a live run, in a session of its own: keys and hang-ups of the terminal reach only the main one."""

    def __init__(self, name: str, module: str, setup: object, descriptors: tuple[int, ...]) -> None:
        """Start `python -m module`, which inherits `descriptors`, and send it `setup`; `name` is for readers of ps."""
        self.link, theirs = Link.pair()
        self._noise: deque[str] = deque(maxlen=_NOISE_LINES)
        loud = bool(os.environ.get("EGOACT_DEBUG"))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, module, str(theirs.fileno()), name, *sys.path],
                pass_fds=(theirs.fileno(), *descriptors),
                stdin=subprocess.DEVNULL,
                stdout=2 if loud else subprocess.PIPE,
                stderr=None if loud else subprocess.STDOUT,
                start_new_session=True,
            )
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)
        self.link.send(setup, wait_s=1.0)

    @property
    def pid(self) -> int:
        return self.process.pid

    def messages(self) -> list[object]:
        """What the child said since the last call; nothing more when it is gone."""
        self._drain_noise()
        found: list[object] = []
        try:
            while (message := self.link.receive()) is not None:
                found.append(message)
        except LinkClosed:
            pass
        return found

    @property
    def gone(self) -> bool:
        return self.process.poll() is not None

    @property
    def ready_to_run(self) -> bool:
        """It waits for a processor and for nothing else (proc(5): state R)."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        except OSError:
            return False
        return state.split()[:1] == ["R"]

    def obituary(self) -> str:
        """Why it is gone, in words: its signal or exit code, and the last line that it printed."""
        self._drain_noise()
        code = self.process.poll()
        last = printable(self._noise[-1][:200]) if self._noise else ""
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal.strsignal(-code)})"
        else:
            how = f"ended with exit code {code}"
        return f"{how}: {last}" if last else how

    def kill(self) -> None:
        """End it at once and wait until it is gone; a process that hangs in the kernel is left to it."""
        self.process.kill()
        self.reap(2.0)

    def reap(self, timeout_s: float) -> bool:
        """Wait for its end; False when it is still there."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Close the descriptors of a child that is gone."""
        self.link.close()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _drain_noise(self) -> None:
        # Nobody else reads the pipe: a child must never wait for room in it.
        pipe = self.process.stdout
        while pipe is not None and not pipe.closed:
            try:
                text = os.read(pipe.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not text:
                return
            self._noise.extend(line for line in text.decode(errors="replace").splitlines() if line.strip())
