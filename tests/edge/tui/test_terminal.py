from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from edge.errors import EgoactError, UsageError
from edge.tui import terminal

ROOT = Path(__file__).parents[3]
APP = """
import os, sys
from edge.errors import EgoactError
from edge.tui.app import EgoactApp
from edge.tui.terminal import run_on_terminal
from tests.edge.snapshots import snapshot
def latest():
    os.write(2, b"NATIVE NOISE\\n")
    if "crash" in sys.argv: raise RuntimeError("boom")
    return snapshot(24.0)
try:
    run_on_terminal(EgoactApp(latest, lambda: None), sys.argv[1])
except EgoactError as error:
    print("one line:", error, file=sys.stderr)
    sys.exit(1)
print("after", file=sys.stderr)
"""


def run_in_terminal(log: Path, *arguments: str, key: bytes = b"q") -> tuple[int, str]:
    """Run the app on a pseudo terminal of 120x36, press `key` when the label is drawn; (exit code, all output)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    command = [sys.executable, "-c", APP, str(log), *arguments]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ROOT)
    os.close(slave)
    output, pressed, deadline_s = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline_s:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            output += os.read(master, 65536) if ready else b""
        except OSError:  # the other side is closed: the app has ended
            break
        if not pressed and b"kitchen.mp4" in output:
            os.write(master, key)
            pressed = True
    process.wait(timeout=10)
    os.close(master)
    return process.returncode, output.decode("utf-8", "replace")


def test_noise_of_native_libraries_goes_to_the_log_and_the_screen_stays_clean(tmp_path: Path) -> None:
    code, output = run_in_terminal(tmp_path / "log")
    assert code == 0
    assert "kitchen.mp4" in output
    assert "NATIVE NOISE" not in output
    assert "NATIVE NOISE\n" in (tmp_path / "log").read_text()
    assert output.rstrip().endswith("after"), "descriptor 2 is the terminal again"


def test_a_view_that_fails_is_one_line_and_its_details_are_in_the_log(tmp_path: Path) -> None:
    code, output = run_in_terminal(tmp_path / "log", "crash")
    assert code == 1
    assert "one line: the terminal view failed" in output
    assert "Traceback" not in output
    assert "boom" in (tmp_path / "log").read_text()


def test_without_a_terminal_it_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "isatty", lambda fd: False)
    with pytest.raises(UsageError, match="no terminal"), terminal.quiet_terminal(tmp_path / "log"):
        pytest.fail("must not get here")


def test_a_log_that_cannot_be_opened_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "isatty", lambda fd: True)
    with pytest.raises(EgoactError, match="the log cannot be opened"), terminal.quiet_terminal(tmp_path):
        pytest.fail("must not get here")
