from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edge.errors import UsageError
from export.errors import ExportError
from export.new_folder import new_bundle_folder


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


def test_what_a_killed_run_of_the_same_number_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / f".bundle.{os.getpid()}.new"
    left.mkdir()
    (left / "video.onnx").write_text("half of it")
    with new_bundle_folder(tmp_path / "bundle") as folder:
        (folder / "bundle.json").write_text("whole")
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "bundle.json"]


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
    with pytest.raises(ExportError, match="bundle: cannot be written"), new_bundle_folder(tmp_path / "bundle"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_when_the_swap_fails_the_old_bundle_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "bundle.json").write_text("old")
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if source.name.endswith(".new"):
            raise OSError(errno.EIO, "bad disk")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(ExportError, match="bad disk"), new_bundle_folder(out):
        pass
    assert (out / "bundle.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
