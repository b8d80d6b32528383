from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import EgoactError
from trainer.tables.ledger import Ledger
from trainer.tables.run_score import PartScore, RunScore
from trainer.tables.runs import Run, in_domain, out_of_domain, units
from trainer.tables.settings import PAPER, SMALL

CPU = {"device": "cpu"}
RUN = Run("Co-Tok", "erm", "ap+mo+au", 3)
SCORE = RunScore({"test": PartScore(200, 77, 0.41)}, {"audio": 0.625})


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "runs", SMALL, {"Co-Tok": "ab"}, CPU)
    assert ledger.read(RUN) is None
    ledger.write(RUN, SCORE)
    assert ledger.read(RUN) == SCORE
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [ledger.path(RUN).name]
    assert json.loads(ledger.path(RUN).read_text())["run"]["seed"] == 3
    assert SCORE.parts["test"].accuracy == 38.5


def test_another_run_setting_or_clip_is_another_result(tmp_path: Path) -> None:
    base = Ledger(tmp_path, SMALL, {"Co-Tok": "ab"}, CPU)
    paths = {
        base.path(RUN),
        *(base.path(replace(RUN, **change)) for change in ({"seed": 4}, {"fold": 0}, {"method": "cir"})),
        Ledger(tmp_path, SMALL.for_epochs(7), {"Co-Tok": "ab"}, CPU).path(RUN),
        Ledger(tmp_path, SMALL, {"Co-Tok": "cd"}, CPU).path(RUN),
        Ledger(tmp_path, SMALL, {"Co-Tok": "ab"}, {"device": "cuda"}).path(RUN),
    }
    assert len(paths) == 7


def test_half_a_file_is_no_result(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL, {"Co-Tok": "ab"}, CPU)
    ledger.write(RUN, SCORE)
    whole = ledger.path(RUN).read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"[]", b"{}", b'{"parts": {"test": 3}, "alignment": {}}'):
        ledger.path(RUN).write_bytes(broken)
        assert ledger.read(RUN) is None


def test_a_refusing_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(EgoactError, match="finished runs are kept"):
        Ledger(tmp_path / "runs", SMALL, {"Co-Tok": "ab"}, CPU).write(RUN, SCORE)


def test_units_differ_in_the_seed_alone_and_come_by_split() -> None:
    runs = [
        run
        for seed in (1, 0)
        for split in ("b", "a")
        for run in (out_of_domain("erm", "ap", split, seed), *in_domain("erm", "ap", split, seed))
    ]
    found = units([*runs, runs[0]])
    assert [(unit[0].split, unit[0].fold) for unit in found] == [(s, fold) for s in ("a", "b") for fold in (None, 0, 1)]
    assert all([run.seed for run in unit] == [0, 1] for unit in found)
    assert sorted(run.name for unit in found for run in unit) == sorted(run.name for run in runs)


def test_names_of_runs_are_file_names() -> None:
    assert (
        Run("Arts and craft/Saudi Arabia", "erm", "ap-mo", 2, 1).name
        == "Arts_and_craft_Saudi_Arabia.erm.ap-mo.fold1.seed2"
    )


def test_fewer_epochs_keep_the_shape_of_the_schedule() -> None:
    shorter = PAPER.for_epochs(10)
    assert shorter.fit.milestones == (6, 8)
    assert shorter.fit.lr == PAPER.fit.lr
    assert "10 epochs" in shorter.note()
    assert "after epochs 6 and 8" in shorter.note()
    assert PAPER.fit.keep == SMALL.fit.keep == "last"
