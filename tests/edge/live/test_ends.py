"""However a run ends: files closed and whole, no process left, nothing in shared memory, the usual exit code."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.bundle import Bundle
from tests.edge.live.processes import alive, children, wait_until
from tests.tiny_bundle import make_bundle

Start = Callable[..., "Command"]


class Command:
    """`egoact live` in a process of its own."""

    def __init__(self, bundle: Bundle, folder: Path, *arguments: str, **options: object) -> None:
        self.control = folder / "control"
        self.control.mkdir(exist_ok=True)
        self.jsonl = folder / "labels.jsonl"
        files = () if "--jsonl" in arguments else ("--jsonl", str(self.jsonl))
        command = ["--camera", "cam", "--bundle", str(bundle.path), "--threads", "1", *files, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.live.command_line", str(self.control), *command],
            **pipes,  # type: ignore[call-overload]
        )
        self.family: set[int] = set()

    def until_labels(self, count: int = 2) -> dict[int, str]:
        """Wait for so many predictions; returns the processes of the run."""
        wait_until(lambda: self.jsonl.exists() and self.jsonl.read_text().count('"prediction"') >= count)
        found = children(self.process.pid)
        assert sorted(found.values()) == ["inference", "sensor", "sensor"]
        self.family = set(found)
        return found

    def one(self, kind: str) -> int:
        return next(pid for pid, found in children(self.process.pid).items() if found == kind)

    def end(self, patience_s: float = 20.0) -> tuple[int, str, str]:
        """Exit code, stdout, stderr; asserts that nobody is left."""
        out, err = self.process.communicate(timeout=patience_s)
        self.nobody_left()
        return self.process.returncode, out, err

    def nobody_left(self) -> None:
        assert self.family
        wait_until(lambda: not any(alive(pid) for pid in self.family))

    def lines(self) -> list[dict[str, object]]:
        """Of the JSONL, every one of which must be whole."""
        text = self.jsonl.read_text()
        assert text.endswith("\n"), "the last line is torn"
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def start(bundle: Bundle, tmp_path: Path) -> Iterator[Start]:
    started: list[Command] = []
    shared_before = set(os.listdir("/dev/shm"))

    def begin(*arguments: str, **options: object) -> Command:
        started.append(Command(bundle, tmp_path, *arguments, **options))
        return started[-1]

    yield begin
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()
    left = {name for name in set(os.listdir("/dev/shm")) - shared_before if "egoact" in name or "psm_" in name}
    assert not left


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_run_cleanly(start: Start, number: signal.Signals, code: int) -> None:
    command = start("--plain")
    command.until_labels()
    command.process.send_signal(number)
    returned, out, err = command.end()
    assert (returned, err) == (code, "")
    assert "captured = " in out
    assert command.lines()[-1]["type"] == "run"


def test_a_signal_to_all_processes_at_once_is_clean_too(start: Start) -> None:
    """A service manager signals the whole control group."""
    command = start("--plain")
    for pid in [command.process.pid, *command.until_labels()]:
        os.kill(pid, signal.SIGTERM)
    returned, _, err = command.end()
    assert (returned, err) == (143, "")
    assert command.lines()[-1]["type"] == "run"


def test_main_killed(start: Start) -> None:
    """Nobody is left to end the others: they end by themselves, and inference closes its file."""
    command = start("--plain")
    command.until_labels()
    command.process.kill()
    command.process.communicate()
    command.nobody_left()
    assert command.lines()[-1]["type"] == "run"


def test_main_killed_while_the_camera_hangs(start: Start) -> None:
    """A hung read can be ended by the kernel alone."""
    command = start("--plain")
    command.until_labels()
    (command.control / "camera-hung").touch()
    command.process.kill()
    command.process.communicate()
    command.nobody_left()


def test_inference_killed(start: Start) -> None:
    command = start("--plain")
    command.until_labels()
    os.kill(command.one("inference"), signal.SIGKILL)
    returned, out, err = command.end()
    assert returned == 1
    assert "the inference process was killed by signal 9" in err
    assert len(err.splitlines()) == 1
    assert "captured = " in out, "the summary of what is known"
    assert command.lines()[-1]["type"] in ("prediction", "segment", "event")


def test_a_sensor_killed_and_the_run_ended_later(start: Start) -> None:
    command = start("--plain")
    command.until_labels()
    os.kill(command.one("sensor"), signal.SIGKILL)
    wait_until(lambda: any("runs again" in str(line.get("text")) for line in command.lines()))
    command.family |= set(children(command.process.pid))
    command.process.send_signal(signal.SIGTERM)
    assert command.end()[0] == 143
    assert command.lines()[-1]["type"] == "run"


def test_the_second_signal_does_not_wait(start: Start) -> None:
    """Inference stands still, so that a clean end would take its time."""
    command = start("--plain")
    command.until_labels()
    inference = command.one("inference")
    os.kill(inference, signal.SIGSTOP)
    command.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        command.process.wait(1.0)
    command.process.send_signal(signal.SIGINT)
    assert command.end(5.0)[0] == 130


def test_a_run_of_given_length(start: Start) -> None:
    command = start("--plain", "--duration-s", "3")
    command.until_labels(1)
    returned, out, err = command.end()
    assert (returned, err) == (0, "")
    assert "camera runs: synthetic camera" in out


def test_another_run_keeps_the_labels_of_the_one_before(start: Start) -> None:
    said = 0
    for _ in range(2):
        command = start("--headless", "--duration-s", "1.5")
        command.until_labels(said + 1)
        assert command.end()[0] == 0
        said = sum(line["type"] == "prediction" for line in command.lines())
    kinds = [line["type"] for line in command.lines()]
    assert [kinds.count(kind) for kind in ("start", "run")] == [2, 2]
    assert kinds[0] == "start"
    assert kinds[-1] == "run"


def test_headless_prints_the_summary_alone(start: Start) -> None:
    command = start("--headless", "--duration-s", "2")
    command.until_labels(1)
    returned, out, err = command.end()
    assert (returned, err) == (0, "")
    assert out.splitlines()[0].startswith("live: cam and default: ")
    assert "runs" not in out


def test_a_full_disk_is_said_once_and_the_run_goes_on(start: Start) -> None:
    command = start("--plain", "--duration-s", "4", "--jsonl", "/dev/full")
    command.family = {0}
    out, err = command.process.communicate(timeout=30)
    assert command.process.returncode == 1
    assert out.count("/dev/full: results cannot be written: No space left on device") == 1
    assert err.count("No space left on device") == 1
    assert "label age" in out


class Terminal:
    """A pseudo terminal with `egoact live` and its view in it."""

    def __init__(self, start: Start) -> None:
        self.master, slave = pty.openpty()
        size = __import__("struct").pack("HHHH", 30, 100, 0, 0)
        __import__("fcntl").ioctl(slave, __import__("termios").TIOCSWINSZ, size)
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.command = start(
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=_controlling, env=environment
        )
        os.close(slave)
        self.drawn = b""

    def until(self, text: bytes) -> None:
        wait_until(lambda: text in self.read())

    def read(self) -> bytes:
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.drawn += os.read(self.master, 1 << 16)
            except OSError:
                break
        return self.drawn

    def gone(self) -> int:
        """Exit code; the terminal must be read until then, or the view would wait for it."""
        wait_until(lambda: self.read() is not None and self.command.process.poll() is not None)
        self.command.nobody_left()
        return self.command.process.returncode


def _controlling() -> None:
    """The terminal on descriptor 0 becomes the one that controls this session."""
    __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0)


def test_q_in_the_view(start: Start) -> None:
    terminal = Terminal(start)
    terminal.command.until_labels()
    terminal.until(b"running")
    os.write(terminal.master, b"q")
    assert terminal.gone() == 0
    assert b"captured = " in terminal.read()
    assert terminal.command.lines()[-1]["type"] == "run"
    os.close(terminal.master)


def test_a_closed_terminal(start: Start) -> None:
    """The window is closed: the kernel hangs up, and every write to the terminal fails from then on."""
    terminal = Terminal(start)
    terminal.command.until_labels()
    terminal.until(b"running")
    os.close(terminal.master)
    terminal.command.process.wait(20)
    terminal.command.nobody_left()
    assert terminal.command.process.returncode == 129
    assert terminal.command.lines()[-1]["type"] == "run"


def test_a_signal_in_the_view(start: Start) -> None:
    terminal = Terminal(start)
    terminal.command.until_labels()
    terminal.until(b"running")
    terminal.command.process.send_signal(signal.SIGTERM)
    assert terminal.gone() == 143
    assert b"\x1b[?1049l" in terminal.read(), "the terminal is as it was before"
    os.close(terminal.master)
