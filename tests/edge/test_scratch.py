from __future__ import annotations

import errno
import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest

from edge.errors import StorageError
from edge.scratch import PREFIX, scratch_folder


@pytest.fixture(autouse=True)
def own_tmpdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_private_folder_that_goes_with_its_block(tmp_path: Path) -> None:
    with scratch_folder() as folder, scratch_folder() as other:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "half").mkdir()
        assert {path.name for path in tmp_path.iterdir()} == {folder.name, other.name}
    assert not list(tmp_path.iterdir())


def test_that_of_a_killed_process_is_cleared_by_the_next_and_no_other_is(tmp_path: Path) -> None:
    others = ("egoact-scratch-", "egoact-scratch-mine", "egoact-world", "egoact-scratch-abcdefgh~", "photos")
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / f"{PREFIX}a_link_0").symlink_to(tmp_path / "photos")
    with scratch_folder() as held:
        (held / "socket").touch()
        if (child := os.fork()) == 0:
            with scratch_folder() as lost:
                (lost / "socket").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        assert len(list(tmp_path.iterdir())) == len(others) + 3
        with scratch_folder():
            assert (held / "socket").exists(), "its owner lives"
            assert len(list(tmp_path.iterdir())) == len(others) + 3
    assert {path.name for path in tmp_path.iterdir()} == {*others, f"{PREFIX}a_link_0"}


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match=r"gone: cannot be written \(no such file or directory\); .* TMPDIR"):
        scratch_folder().__enter__()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fill() -> None:
        with scratch_folder():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="no space left on device"):
        fill()
    assert not list(tmp_path.iterdir())
