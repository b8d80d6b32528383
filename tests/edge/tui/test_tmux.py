"""`egoact live` in a real tmux, with made-up devices: keys are sent, the screen is captured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.live.processes import alive, children, wait_until
from tests.media import make_clip
from tests.tiny_bundle import make_bundle

ROOT = Path(__file__).parents[3]


class Tmux:
    """One window of a server of its own."""

    def __init__(self, folder: Path, *command: str, size: tuple[int, int] = (120, 36), **environment: str) -> None:
        assert shutil.which("tmux"), "tmux is missing: make system"
        self._socket = f"egoact-{uuid.uuid4().hex[:8]}"
        settings = {"COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **environment}
        # Test runners in several processes hand down a size, which Textual would take for the terminal's.
        clean = ["env", "-u", "COLUMNS", "-u", "LINES"]
        words = [*clean, *(f"{name}={value}" for name, value in settings.items()), *command]
        quoted = " ".join(f"'{word}'" for word in words)
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c", str(folder), quoted
        )
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments],
            env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self, *, colours: bool = False) -> str:
        return self._tmux("capture-pane", "-p", *(("-e",) if colours else ()))

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def until(self, shown: str | Callable[[str], bool]) -> str:
        """The first screen that shows it."""
        last = ""

        def there() -> bool:
            nonlocal last
            last = self.screen()
            return shown in last if isinstance(shown, str) else shown(last)

        try:
            wait_until(there, patience_s=60)
        except AssertionError as error:
            raise AssertionError(f"{shown!r} is not shown:\n{last}") from error
        return last

    def exit_code(self) -> str:
        """Empty while it runs."""
        return self._tmux("display-message", "-p", "#{pane_dead_status}").strip() or self._unreaped()

    def _unreaped(self) -> str:
        """The exit code of a process that has ended, but which tmux is slow to take notice of; empty while it runs."""
        try:
            fields = Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return str(int(fields[-1]) >> 8) if fields[0] == "Z" else ""

    def pid(self) -> int:
        """Of what runs in the window."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, timeout=20)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Tmux]]:
    started: list[Tmux] = []
    bundle = make_bundle(tmp_path / "tiny")
    control, working = tmp_path / "control", tmp_path / "working"
    control.mkdir()
    working.mkdir()

    def start(**options: object) -> Tmux:
        program = (sys.executable, "-m", "tests.edge.live.command_line", str(control))
        arguments = ("--camera", "cam", "--bundle", str(bundle.path), "--threads", "1")
        started.append(Tmux(working, *program, *arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for tmux in started:
        tmux.close()


def test_keys_in_a_real_terminal(live: Callable[..., Tmux], tmp_path: Path) -> None:
    tmux = live()
    tmux.until(lambda screen: "● running" in screen and "running  30.0 Hz" in screen)
    tmux.press("v")
    tmux.until("video muted")
    tmux.press("v")
    tmux.until(lambda screen: "video muted" not in screen)
    tmux.press("e")
    tmux.until("segments open at 50 %")
    tmux.press("+")
    tmux.until("segments open at 55 %")
    tmux.press("d")
    tmux.until("synthetic microphone")
    tmux.press("d", "Space")
    tmux.until("display paused")
    tmux.press("Space")
    tmux.press("f")
    tmux.until("moment saved")
    assert [folder.name[:7] for folder in (tmp_path / "working" / "moments").iterdir()] == ["moment-"]
    tmux.resize(60, 18)
    tmux.until(lambda screen: screen.startswith(" egoact") and "video alone" in screen and "─ telemetry" not in screen)
    (tmp_path / "control" / "microphone-unplugged").touch()
    tmux.until("no microphone")
    tmux.press("q")
    tmux.until("captured = ")
    wait_until(lambda: tmux.exit_code() == "0")


def test_a_recorded_clip_in_a_real_terminal(tmp_path: Path) -> None:
    bundle, clip = make_bundle(tmp_path / "tiny"), make_clip(tmp_path / "kitchen.mp4", seconds=70.0, audio="tone")
    (tmp_path / "clips.csv").write_text("video,start_s,end_s,label\nkitchen.mp4,0,70,nothing-of-the-bundle\n")
    program = (sys.executable, "-c", "import sys; from edge.cli import main; sys.exit(main())", "replay")
    options = ("--tui", "--threads", "1", "--bundle", str(bundle.path), "--annotations", "clips.csv", clip.name)
    tmux = Tmux(tmp_path, *program, *options)
    try:
        tmux.until(lambda screen: "● running" in screen and "next error" in screen and "truth" in screen)
        tmux.press("Right", "Space")
        tmux.until("● paused")
        tmux.press("n")
        tmux.until("annotated nothing-of-the-bundle")
        tmux.press("Home", "Space", "]")
        tmux.until("● playing 2x")
        tmux.press("End")
        tmux.until("● at the end")
        tmux.press("q")
        tmux.until("captured = ")
        wait_until(lambda: tmux.exit_code() == "0")
    finally:
        tmux.close()


def test_no_color_gives_greys_only(live: Callable[..., Tmux]) -> None:
    tmux = live(NO_COLOR="1")
    tmux.until("● running")
    coloured = [
        rgb
        for part in tmux.screen(colours=True).split("\x1b[")[1:]
        for rgb in _colours(part.split("m")[0])
        if len(set(rgb)) > 1
    ]
    assert coloured == []


def _colours(codes: str) -> list[tuple[int, ...]]:
    """The red, green and blue values of one SGR sequence."""
    numbers = [int(code) for code in codes.replace(":", ";").split(";") if code]
    return [tuple(numbers[at + 2 : at + 5]) for at in range(len(numbers)) if numbers[at : at + 2] in ([38, 2], [48, 2])]


def niceness(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_a_terminal_that_goes_away_ends_the_run(live: Callable[..., Tmux]) -> None:
    tmux = live()
    tmux.until("● running")
    main = tmux.pid()
    family = {main, *children(main)}
    assert len(family) == 4
    own = niceness(0)  # the tests themselves may have been started with a lower priority
    assert {pid: niceness(pid) for pid in family} == {pid: 10 if pid == main else own for pid in family}
    tmux.close()
    wait_until(lambda: not any(alive(pid) for pid in family))
