"""Broken files of every kind: one typed line each, or the content; never another error, whatever the damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import EgoactError
from tests.hostile.broken import broken
from tests.hostile.readers import EDGE, Reader
from tests.hostile.trained_readers import TRAINED

READERS = (*EDGE, *TRAINED)
FEW, MANY = 6, 1500


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def check(reader: Reader, folder: Path, seed: int, count: int) -> None:
    reader.make(folder)
    reader.read(folder)  # what is whole is read
    file = sorted(folder.rglob(reader.file))[0]
    whole = file.read_bytes()
    for done, content in broken(whole, seed, count):
        file.write_bytes(content)
        try:
            reader.read(folder)
        except EgoactError as error:
            message = str(error)
            assert message, done
            assert "\n" not in message, done
            assert len(message) < 2_000, done
        except Exception as error:
            raise AssertionError(f"{reader.name}: {done}: {content[:300]!r}") from error


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name.replace(" ", "-"))
def test_broken_files_are_told_in_one_typed_line(reader: Reader, tmp_path: Path) -> None:
    check(reader, tmp_path, seed=1, count=FEW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name.replace(" ", "-"))
def test_many_more(reader: Reader, tmp_path: Path, seed: int) -> None:
    check(reader, tmp_path, seed=100 + seed, count=MANY)
