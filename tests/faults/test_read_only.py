"""Every command that writes, where nothing can be written: one line, and what was there is as it was."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.cases import CASES, Case, Data, evaluate, pairs
from tests.faults.contents import contents
from tests.faults.disks import Forbidden, SmallTmpfs
from tests.faults.refusal import refusal


@pytest.mark.parametrize(("case", "disk"), pairs("forbidden", (*CASES, Case(evaluate, 0))), indirect=["disk"])
def test_nothing_can_be_written(
    case: Case, data: Data, disk: Forbidden | SmallTmpfs, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command is given to the file that it wrote, or, where it would find itself finished, to a new folder."""
    out = disk.folder / "out"
    shutil.copytree(data.whole(case.command), disk.folder, dirs_exist_ok=True)
    before = contents(disk.folder)
    capsys.readouterr()
    with disk.read_only() as reason:
        if case.command is evaluate:
            refusal(capsys, evaluate(data, out), out, reason)
        else:
            refusal(capsys, case.command(data, disk.folder / "other"), disk.folder, reason)
    assert contents(disk.folder) == before
