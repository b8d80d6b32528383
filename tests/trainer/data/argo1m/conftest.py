from __future__ import annotations

from pathlib import Path

import pytest

from tests.argo1m_files import Argo1mFiles, write_argo1m


@pytest.fixture
def files(tmp_path: Path) -> Argo1mFiles:
    """Files of one split that are right, to be changed by the test."""
    return write_argo1m(tmp_path / "argo1m", clips_per_domain=2)


@pytest.fixture(scope="session")
def right_files(tmp_path_factory: pytest.TempPathFactory) -> Argo1mFiles:
    """Files of one split that are right, only to be read."""
    return write_argo1m(tmp_path_factory.mktemp("data") / "argo1m")
