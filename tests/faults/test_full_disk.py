"""Every command that writes, on a disk that is full: one line that names the path, nothing that was there is harmed,
and after room is made the same command ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from tests.faults.cases import (
    CASES,
    Case,
    Command,
    Data,
    evaluate,
    imported,
    pairs,
    train,
    world,
)
from tests.faults.contents import contents
from tests.faults.disks import SmallTmpfs
from tests.faults.refusal import refusal
from trainer.features.ego4d import APPEARANCE, MOTION

BOTH = pytest.mark.parametrize("disk", ["file size limit", "tmpfs"], indirect=True)


@pytest.mark.parametrize(("case", "disk"), pairs("file size limit", CASES), indirect=["disk"])
def test_a_full_disk(case: Case, data: Data, disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out, whole = disk.folder / "out", data.whole(case.command)
    capsys.readouterr()
    with disk.full(case.too_few_bytes):
        refusal(capsys, case.command(data, out), disk.folder, disk.reason)
    assert given(case.command, data, out) == 0
    assert contents(disk.folder) == contents(whole)


def given(command: Command, data: Data, out: Path) -> int:
    return main([str(part) for part in command(data, out)])


@pytest.mark.parametrize("after_bytes", [0, 12_000, 24_000, 36_000, 60_000, 100_000])
def test_a_training_whose_disk_fills_at_any_point(
    after_bytes: int, data: Data, tmpfs: SmallTmpfs, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resume state, figures, weights, configuration: whichever no longer fits."""
    out = tmpfs.folder / "out"
    out.mkdir()
    with tmpfs.full(after_bytes):
        refusal(capsys, train(data, out), out, tmpfs.reason)
    assert given(train, data, out) == 0
    assert contents(out) == contents(data.run)


@BOTH
def test_a_confusion_that_does_not_fit_leaves_the_old_file(
    data: Data, disk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = disk.folder / "out"
    command = evaluate(data, out)
    assert main([str(part) for part in command]) == 0
    before = (out / "confusion.csv").read_bytes()
    filler = disk.folder / "filler"
    filler.write_bytes(b"")
    capsys.readouterr()
    with disk.full(0 if isinstance(disk, SmallTmpfs) else 20):
        if isinstance(disk, SmallTmpfs):
            _fill(filler)
        refusal(capsys, command, out, disk.reason)
    assert (out / "confusion.csv").read_bytes() == before


def _fill(path: Path) -> None:
    with open(path, "ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@BOTH
@pytest.mark.slow
def test_a_world_on_a_full_disk(data: Data, disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = disk.folder / "out"
    with disk.full(60_000):
        refusal(capsys, world(data, out), out, disk.reason)
    assert not list((out / "videos").iterdir()), "no half video"
    assert given(world, data, out) == 0
    assert len(list((out / "videos").glob("*.mp4"))) == 1


@BOTH
def test_what_a_store_could_not_take_is_given_back(disk: Any, data: Data) -> None:
    """The partly written rows do not keep the disk full."""
    out = disk.folder / "out"
    with disk.full(40_000):
        assert given(imported, data, out) == 1
    sizes = {path.name: path.stat().st_size for path in out.glob("*.f32")}
    rows = sizes["motion.f32"] // (4 * MOTION)
    assert rows < 12
    assert sizes["appearance.f32"] <= (rows + 3) * 4 * APPEARANCE
    assert sizes["appearance.f32"] % (3 * 4 * APPEARANCE) == 0
