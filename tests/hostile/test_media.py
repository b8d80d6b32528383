"""Media files that lie, in a child with little memory: played or refused in one typed line; no crash, no hang."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.hostile.containers import damaged, lying

MEMORY_MIB = 1500
"""Address space, which threads of decoders take by 64 MiB each; a picture of 8192 x 8192 is 0.2 GB."""
_PATIENCE_S = 240
_CLIPS_A_CHILD = 400


def problems(clips: Iterable[Path]) -> list[str]:
    """What went wrong with any of the clips."""
    left = [str(clip) for clip in clips]
    found = []
    while left:
        some, left = left[:_CLIPS_A_CHILD], left[_CLIPS_A_CHILD:]
        command = [sys.executable, "-m", "tests.hostile.media_child", str(MEMORY_MIB), *some]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired as late:
            told = (late.stdout or b"").splitlines()
            found.append(f"hangs: {some[len(told)] if len(told) < len(some) else 'at its end'}")
            continue
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"clip"')]
        if len(told) < len(some):
            found.append(f"exit {done.returncode}: {some[len(told)]}: {done.stderr[-300:]}")
        found += [f"{t['clip']}: {t['other']}" for t in told if "other" in t]
        found += [f"{t['clip']}: {t['typed']!r}" for t in told if "\n" in t.get("typed", "")]
    return found


def test_lies(tmp_path: Path) -> None:
    assert problems(lying(tmp_path)) == []


def test_damage(tmp_path: Path) -> None:
    assert problems(damaged(tmp_path, seed=3, count=4)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 14))
def test_much_damage(tmp_path: Path, seed: int) -> None:
    assert problems(damaged(tmp_path, seed, count=300)) == []
