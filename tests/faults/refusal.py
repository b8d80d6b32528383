"""How a command must refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.cli import main


def refusal(capsys: pytest.CaptureFixture[str], command: list[object], folder: Path, reason: str) -> None:
    """It ends with 1 and with one line a path in `folder` that it could not write, with the reason, and leaves no half
    file."""
    assert main([str(part) for part in command]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"egoact {command[0]}: ")]
    paths = [line.removeprefix(f"egoact {command[0]}: ").partition(":")[0] for line in lines]
    assert lines
    assert len(set(paths)) == len(paths), lines
    assert all(Path(path).is_relative_to(folder) for path in paths), lines
    for line in lines:
        assert re.search(rf"cannot be (written|kept)\b.*\b{reason}\b", line, re.IGNORECASE), lines
    assert not [left.name for left in folder.rglob("*") if ".part" in left.name]
