"""Private by default: a live run writes what it was asked to write and nothing else, and talks to nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.bundle import Bundle
from tests.edge.live.processes import children, descriptors, wait_until
from tests.tiny_bundle import make_bundle

ROOT = Path(__file__).parents[3]
SPY = Path(__file__).parent / "spy"
INTERNET_TABLES = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "icmp", "udplite")
ADOPTED = -1
"""Family of a socket object made of an inherited descriptor."""
HARMLESS = ("/dev/null", "/dev/tty")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


class Watched:
    """`egoact live` with an empty home, temporary folder and working directory, spied on in all its processes."""

    def __init__(self, bundle: Bundle, folder: Path, *arguments: str) -> None:
        self.places = {name: folder / name for name in ("home", "temporary", "working", "control")}
        for place in self.places.values():
            place.mkdir()
        self.spied = folder / "spied.txt"
        environment = {
            **os.environ,
            "HOME": str(self.places["home"]),
            "TMPDIR": str(self.places["temporary"]),
            "PYTHONPATH": os.pathsep.join([str(SPY), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "EGOACT_SPY": str(self.spied),
        }
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "EGOACT_DEBUG"):
            environment.pop(name, None)
        command = [str(self.places["control"]), "--camera", "cam", "--bundle", str(bundle.path), "--threads", "1"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.live.command_line", *command, "--plain", *arguments],
            cwd=self.places["working"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        wait_until(lambda: text in (self.process.stdout.readline() if self.process.stdout else ""))

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 143, out
        return out

    def files(self) -> set[str]:
        return {str(path.relative_to(place.parent)) for place in self.places.values() for path in place.rglob("*")}

    def events(self) -> list[list[str]]:
        return [line.split(" ") for line in self.spied.read_text().splitlines()]


def sockets(pid: int) -> set[str]:
    return {link[8:-1] for link in descriptors(pid) if link.startswith("socket:[")}


def internet_sockets(pid: int) -> set[str]:
    """Inodes of every socket in the machine's tables that is not a local one."""
    found = set()
    for table in INTERNET_TABLES:
        path = Path(f"/proc/{pid}/net/{table}")
        if path.exists():
            found |= {word for line in path.read_text().splitlines()[1:] for word in line.split()}
    return found


def named_local_sockets(pid: int) -> set[str]:
    lines = [line.split() for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]]
    return {line[6] for line in lines if len(line) > 7}


def written_files(pid: int) -> set[str]:
    """Files that are open for writing; pipes, sockets and memory without a name are no files."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            path = os.readlink(entry)
            flags = int((Path(f"/proc/{pid}/fdinfo") / entry.name).read_text().split("flags:")[1].split()[0], 8)
        except OSError:  # closed meanwhile; the spy has seen what was opened
            continue
        if flags & (os.O_WRONLY | os.O_RDWR) and path.startswith("/") and not path.startswith("/memfd:egoact-"):
            found.add(path)
    return found - set(HARMLESS)


@pytest.mark.parametrize("asked", [False, True], ids=["nothing asked for", "--jsonl"])
def test_nothing_else_is_written_and_nobody_is_called(bundle: Bundle, tmp_path: Path, asked: bool) -> None:
    jsonl = tmp_path / "control" / "labels.jsonl"
    watched = Watched(bundle, tmp_path, *(("--jsonl", str(jsonl)) if asked else ()))
    watched.until("camera runs")
    family = [watched.process.pid, *children(watched.process.pid)]
    assert len(family) == 4
    for pid in family:
        assert written_files(pid) - {str(watched.spied)} == ({str(jsonl)} if asked and _is(pid, "inference") else set())
        mine = sockets(pid)
        assert mine, "every process has its end of a pair"
        assert not mine & internet_sockets(pid)
        assert not mine & named_local_sockets(pid)
    watched.end()
    assert watched.files() == ({"control/labels.jsonl"} if asked else set())
    events = watched.events()
    assert len({event[0] for event in events if event[1] == "process"}) >= 4, "the spy was in every process"
    opened = {event[2] for event in events if event[1] == "open"} - set(HARMLESS)
    assert opened == ({str(jsonl)} if asked else set())
    assert [event for event in events if event[1].startswith("os.")] == []
    families = {int(event[2]) for event in events if event[1] == "socket.__new__"}
    assert families == {socket.AF_UNIX, ADOPTED}
    calls = {event[1] for event in events if event[1].startswith("socket.")}
    assert calls == {"socket.__new__"}, "no connect, no bind, no look-up of a name"


def test_the_spy_sees_what_it_is_there_for(tmp_path: Path) -> None:
    spied, written = tmp_path / "spied.txt", tmp_path / "written.txt"
    program = (
        f"import socket; open({str(written)!r}, 'w').close(); "
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SPY), "EGOACT_SPY": str(spied)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    words = spied.read_text()
    assert f"open {written}" in words
    assert f"socket.__new__ {int(socket.AF_INET)}" in words
    assert "socket.connect" in words


def _is(pid: int, kind: str) -> bool:
    return kind.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
