"""Commands that are killed (SIGKILL) at random moments, and given again, end as if they had never been disturbed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faults.cases import CASES, NAMED, PAIRS, WORKERS, Case, Data, calibrate
from tests.faults.contents import contents
from tests.faults.killer import MOST_TOO_LATE, ROOT, Spec
from tests.trainer.narration.chat_server import Act, Seen, chatting

QUICK = [case for case in CASES if case.command is not calibrate]
"""Calibration takes seconds."""


class Killed:
    """A process that kills commands, the data for them, and a language model that they may ask."""

    def __init__(self, folder: Path, server: str, seen: Seen) -> None:
        self.data, self.folder, self.seen = Data(folder / "data"), folder, seen
        self.data.folder.mkdir()
        self.data.server = server
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.killer"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def many_times(self, case: Case, *, kills: int, changes: int, processes: int) -> dict[str, Any]:
        """What `Killer.everything` found, with "folder" and "seed"."""
        seed = int(np.random.default_rng().integers(2**31))
        folder = self.folder / case.name
        arguments = [str(part) for part in case.command(self.data, Path("{out}"))]
        spec = Spec(str(folder), arguments, seed, kills, changes, processes)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(spec)).encode() + b"\n")
        self.process.stdin.flush()
        return {**json.loads(self.process.stdout.readline()), "folder": folder, "seed": seed}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    with chatting(_answer) as (url, seen):
        made = Killed(tmp_path_factory.mktemp("killed"), url, seen)
        with made.process:
            yield made
            assert made.process.stdin is not None
            made.process.stdin.close()


def _answer(first: str, _: int) -> Act:
    """The percentage is the pair's number."""
    return Act(str(_number(first)), pause_s=0.01)


def _number(question: str) -> int:
    found = re.search(r"number (\d+)", question)
    assert found
    return int(found[1])


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_killed_at_some_moments(case: Case, killed: Killed) -> None:
    nothing_is_lost(case, killed, kills=2 if case.is_quick else 1, changes=1, processes=0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", NAMED, ids=lambda case: case.name)
def test_killed_at_fifty_moments(case: Case, killed: Killed) -> None:
    nothing_is_lost(case, killed, kills=50, changes=20, processes=5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", WORKERS, ids=lambda case: case.name)
def test_workers_end_with_whom_they_work_for(case: Case, killed: Killed) -> None:
    nothing_is_lost(case, killed, kills=8, changes=2, processes=0)


def nothing_is_lost(case: Case, killed: Killed, **moments: int) -> None:
    found = killed.many_times(case, **moments)
    folder, deaths = found["folder"], found["deaths"]
    said = f"seed {found['seed']}: {found}"
    print(f"{case.name}: {len(deaths)} kills, {said}")
    assert found["code"] == 0, (folder / "whole" / "said").read_text()
    whole = everything(folder / "whole")
    assert any(name.startswith("out") for name in whole), whole
    for number, death in enumerate(deaths):
        told = f"{death}, {said}"
        assert death["too_late"] < MOST_TOO_LATE, f"it could not be killed: {told}"
        assert death["left_alone"], f"something still runs: {told}"
        assert death["again"] == 0, f"{(folder / str(number) / 'said').read_text()} {told}"
        again = everything(folder / str(number))
        assert again.keys() == whole.keys(), f"{again.keys() ^ whole.keys()}: {told}"
        assert [name for name in whole if again[name] != whole[name]] == [], told
        if case.name == "rate":
            nothing_is_asked_twice(folder / f"{number}-killed" / "out" / "ratings.jsonl", killed.seen, death["again_s"])


def everything(run: Path) -> dict[str, Any]:
    """Also what is beside the command's own: its temporary folder and its home must be as after any run."""
    (run / "said").unlink(missing_ok=True)
    folders = {f"{path.relative_to(run)}/": "" for path in run.rglob("*") if path.is_dir()}
    return folders | {name: content for name, content in contents(run).items() if name != "said"}


def nothing_is_asked_twice(log: Path, seen: Seen, between_s: tuple[float, float]) -> None:
    kept = log.read_bytes() if log.exists() else b""
    known = {_number(json.loads(line)["visual"]) for line in kept.splitlines(keepends=True) if line.endswith(b"\n")}
    questions = [r["messages"][0]["content"] for r in seen.requests]
    begin_s, end_s = between_s
    asked = [_number(q) for q, t in zip(questions, seen.times_s, strict=True) if begin_s <= t <= end_s]
    assert not known & set(asked)
    # What was under way when the run before was killed may come late.
    assert known | set(asked) == set(range(PAIRS))
