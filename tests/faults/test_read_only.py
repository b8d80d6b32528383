"""Every command that writes, where nothing can be written: one line, and what was there is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.faults.cases import CASES, Case, Data, evaluate, pairs
from tests.faults.contents import contents
from tests.faults.disks import Forbidden, SmallTmpfs, small_tmpfs
from tests.faults.refusal import refusal
from tests.trainer.narration.chat_server import Act, chatting


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    made = Data(tmp_path_factory.mktemp("data"))
    with chatting(lambda first, came: Act("50")) as (made.server, _):
        yield made


@pytest.fixture(params=["forbidden", "tmpfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forbidden | SmallTmpfs]:
    (tmp_path / "disk").mkdir()
    if request.param == "forbidden":
        yield Forbidden(tmp_path / "disk")
        return
    with small_tmpfs(tmp_path / "disk") as found:
        if found is None:
            pytest.skip("mounting a tmpfs needs root; a folder without rights is tested everywhere")
        yield found


@pytest.mark.parametrize(("case", "disk"), pairs("forbidden", (*CASES, Case(evaluate, 0))), indirect=["disk"])
def test_nothing_can_be_written(
    case: Case, data: Data, disk: Forbidden | SmallTmpfs, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command is given again where it was finished, and where that does nothing, to a folder of its own."""
    out = disk.folder / "out"
    assert main([str(part) for part in case.command(data, out)]) == 0
    before = contents(disk.folder)
    capsys.readouterr()
    with disk.read_only() as reason:
        if case.command is evaluate:
            refusal(capsys, evaluate(data, out), out, reason)
        else:
            refusal(capsys, case.command(data, disk.folder / "other"), disk.folder, reason)
    assert contents(disk.folder) == before
