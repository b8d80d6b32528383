"""Disks and data that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cases import Data
from tests.faults.disks import FileSizeLimit, Forbidden, SmallTmpfs, small_tmpfs
from tests.trainer.narration.chat_server import Act, chatting


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    """What the commands read, and a language model."""
    made = Data(tmp_path_factory.mktemp("data"))
    with chatting(lambda first, came: Act("50")) as (made.server, _):
        yield made


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[SmallTmpfs]:
    (tmp_path / "disk").mkdir()
    with small_tmpfs(tmp_path / "disk") as found:
        if found is None:
            pytest.skip("mounting a tmpfs needs root; every user has the other kinds of disk")
        yield found


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> FileSizeLimit | Forbidden | SmallTmpfs:
    """Of the kind that the parameter names."""
    if request.param == "tmpfs":
        return request.getfixturevalue("tmpfs")  # type: ignore[no-any-return]
    (tmp_path / "disk").mkdir()
    return {"file size limit": FileSizeLimit, "forbidden": Forbidden}[request.param](tmp_path / "disk")
