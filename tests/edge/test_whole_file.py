from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.whole_file import whole_file, write_whole_file

WRITER = "import sys; from pathlib import Path; from edge.whole_file import write_whole_file as w; "


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole_file(path, "é")
    with contextlib.suppress(KeyError), whole_file(path) as file:
        file.write(b"half")
        file.flush()
        assert path.read_bytes() == "é".encode()
        raise KeyError
    assert path.read_bytes() == "é".encode()
    write_whole_file(path, b"other")
    assert path.read_bytes() == b"other"
    assert list(tmp_path.iterdir()) == [path]


def test_one_can_go_back_in_it_and_it_has_the_rights_of_any_file(tmp_path: Path) -> None:
    path, usual = tmp_path / "file.npz", tmp_path / "usual"
    with whole_file(path) as file:
        np.savez(file, rows=np.arange(3))
    with np.load(path) as held:
        assert held["rows"].tolist() == [0, 1, 2]
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode


def test_what_a_killed_run_left_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    if (child := os.fork()) == 0:
        with whole_file(path) as file:
            file.write(b"x" * 100_000)
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write_whole_file(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_writer_waits_and_comes_last(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with whole_file(path) as file:
        file.write(b"first, and longer")
        told = [sys.executable, "-c", WRITER + "print('', flush=True); w(Path(sys.argv[1]), 'second')", str(path)]
        other = subprocess.Popen(told, stdout=subprocess.PIPE)
        assert other.stdout is not None
        other.stdout.read(1)
        assert other.poll() is None
        file.flush()
        assert (tmp_path / "file.part").read_bytes() == b"first, and longer", "nobody cut it off"
    assert other.wait() == 0
    other.stdout.close()
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_whole_file(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_refusals_name_the_file_and_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as full:
        fill()
    assert full.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as missing:
        write_whole_file(tmp_path / "no" / "file", "")
    assert missing.value.filename == str(tmp_path / "no" / "file")
    with pytest.raises(FileNotFoundError) as foreign, whole_file(path):
        open(tmp_path / "other")  # noqa: SIM115
    assert foreign.value.filename == str(tmp_path / "other"), "not the writer's fault"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"
