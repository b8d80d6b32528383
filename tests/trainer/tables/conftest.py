from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainer.tables.toy import write_own, write_world


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Own clips and their features; appearance shifts between domains."""
    return write_own(tmp_path_factory.mktemp("own"), {"appearance"})


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder like a rendered world's, and its features."""
    return write_world(tmp_path_factory.mktemp("world"))
