"""Commands that are killed (SIGKILL) at random moments and given again end as if they had never been disturbed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.test_full_disk import COMMANDS, Command, Data, contents, data, train

__all__ = ["data"]
ROOT = Path(__file__).parents[2]
KILLS = 3


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_killed_at_random_moments(command: Command, data: Data, tmp_path: Path) -> None:
    seed = int(np.random.default_rng().integers(2**31))
    resume = "--resume" if command is train else ""
    arguments = ["OUT" if part == Path("OUT") else str(part) for part in command(data, Path("OUT"))]
    told = [sys.executable, "-m", "tests.trainer.deaths", str(tmp_path), str(KILLS), str(seed), resume, *arguments]
    done = subprocess.run(told, cwd=ROOT, stdout=subprocess.PIPE, timeout=250, check=True)
    found = json.loads(done.stdout)
    undisturbed, *killed, last = found["codes"]
    assert (undisturbed, killed[0], last) == (0, -9, 0), found
    assert found["changes"] > 5
    assert contents(tmp_path / "out") == contents(tmp_path / "whole"), f"seed {seed}: {found}"
