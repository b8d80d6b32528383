from __future__ import annotations

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

import edge.new_folder
from edge.errors import BundleError, UsageError
from edge.new_folder import new_bundle_folder, restore


@pytest.fixture(params=["exchange", "no exchange"])
def swapping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems with and without renameat2's RENAME_EXCHANGE."""
    if request.param == "no exchange":
        monkeypatch.setattr(edge.new_folder, "_exchange", lambda one, other: False)


@pytest.mark.usefixtures("swapping")
def test_the_old_bundle_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "bundle"
    with new_bundle_folder(out) as folder:
        (folder / "bundle.json").write_text("first")
    (out / "plans").mkdir()

    def broken_off() -> None:
        with new_bundle_folder(out) as folder:
            (folder / "bundle.json").write_text("second")
            assert (out / "bundle.json").read_text() == "first"
            raise KeyError

    with pytest.raises(KeyError):
        broken_off()
    assert (out / "bundle.json").read_text() == "first"
    with new_bundle_folder(out) as folder:
        assert not list(folder.iterdir())
        (folder / "bundle.json").write_text("third")
    assert [(file.name, file.read_text()) for file in out.iterdir()] == [("bundle.json", "third")], "old plans are gone"
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize("when", ["filling", "before the swap", "after the first rename", "after the swap"])
@pytest.mark.usefixtures("swapping")
def test_a_killed_run_costs_nothing_that_was_there(tmp_path: Path, when: str) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "bundle.json").write_text("old")
    if (child := os.fork()) == 0:
        _filled_until(out, when)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    restore(out)
    assert (out / "bundle.json").read_text() == ("new" if when == "after the swap" else "old")
    with new_bundle_folder(out) as folder:
        assert not list(folder.iterdir())
        (folder / "bundle.json").write_text("newest")
    assert (out / "bundle.json").read_text() == "newest"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"], "nothing is left beside it"


def _filled_until(out: Path, when: str) -> None:
    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    rename = os.rename
    with new_bundle_folder(out) as folder:
        (folder / "half of a graph").write_text("")
        if when == "filling":
            die()
        (folder / "bundle.json").write_text("new")
        (folder / "half of a graph").unlink()
        if when == "before the swap":
            edge.new_folder._swap = die
        elif when == "after the swap":
            edge.new_folder.shutil.rmtree = die
        elif edge.new_folder._exchange(folder, folder):  # one step: there is nothing between
            die()
        else:
            os.rename = lambda one, other: (rename(one, other), die())
    os._exit(0)


def test_what_another_command_is_filling_is_left_to_it(tmp_path: Path) -> None:
    with new_bundle_folder(tmp_path / "bundle") as folder:
        (folder / "bundle.json").write_text("mine")
        with pytest.raises(UsageError, match="another command"), new_bundle_folder(tmp_path / "bundle"):
            pass
    assert (tmp_path / "bundle" / "bundle.json").read_text() == "mine"


def test_a_folder_that_is_put_in_place_while_one_waits_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def put_in_place(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        (tmp_path / ".bundle.part" / "bundle.json").write_text("the other's")
        os.rename(tmp_path / ".bundle.part", tmp_path / "bundle")
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", put_in_place)
    with new_bundle_folder(tmp_path / "bundle"):
        assert (tmp_path / "bundle" / "bundle.json").read_text() == "the other's"


def test_foreign_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds thesis\.txt"), new_bundle_folder(tmp_path / "out"):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(UsageError, match="is no folder"), new_bundle_folder(tmp_path / "link"):
        pass
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="bundle: cannot be written"), new_bundle_folder(tmp_path / "bundle"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("swapping")
def test_when_the_swap_fails_the_old_bundle_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "bundle.json").write_text("old")
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if source.name.endswith(".part"):
            raise OSError(errno.EIO, "bad disk")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    monkeypatch.setattr(edge.new_folder, "_exchange", lambda one, other: False)
    with pytest.raises(BundleError, match="bad disk"), new_bundle_folder(out):
        pass
    assert (out / "bundle.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
