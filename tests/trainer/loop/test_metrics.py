from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trainer.loop.metrics import Metrics
from trainer.loop.pace import SAY_EVERY_S, Pace


class Board:
    """Stands for TensorBoard's writer."""

    made: list[Board] = []  # noqa: RUF012

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step = folder, purge_step
        self.scalars: list[tuple[str, float, int]] = []
        self.closed = False
        Board.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> list[Board]:
    module: Any = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Board
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Board, "made", [])
    return Board.made


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_line_an_epoch_and_the_same_for_tensorboard(board: list[Board], tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, 0)
    metrics.write(1, 2.5, 0.25, 1e-3, 100.0)
    metrics.write(2, 2.0, float("nan"), 1e-3, 100.0)
    metrics.close()
    assert lines(tmp_path) == [
        {"epoch": 1, "loss": 2.5, "validation": 0.25, "lr": 1e-3, "clips_per_s": 100.0},
        {"epoch": 2, "loss": 2.0, "lr": 1e-3, "clips_per_s": 100.0},
    ]
    assert ("loss", 2.0, 2) in board[0].scalars
    assert board[0].closed

    Metrics(tmp_path, 1).write(2, 1.5, 0.5, 1e-3, 90.0)
    assert [line["loss"] for line in lines(tmp_path)] == [2.5, 1.5], "what came after the saved state is written anew"
    assert board[1].purge_step == 2


def test_tensorboard_itself_reads_what_a_run_leaves(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    metrics = Metrics(tmp_path, 0)
    for epoch in (1, 2, 3):
        metrics.write(epoch, 3.0 - epoch, 0.25 * epoch, 1e-3, 100.0)
    metrics.close()
    killed = Metrics(tmp_path, 2)  # epoch 3 was not saved: it is done again
    killed.write(3, 0.5, 0.5, 1e-3, 100.0)
    killed.close()
    shown = reader.EventAccumulator(str(tmp_path / "tensorboard"))
    shown.Reload()
    assert set(shown.Tags()["scalars"]) == {"loss", "validation", "lr", "clips_per_s"}
    assert [(event.step, event.value) for event in shown.Scalars("loss")] == [(1, 2.0), (2, 1.0), (3, 0.5)]


def test_without_tensorboard_the_lines_are_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    metrics = Metrics(tmp_path, 0)
    metrics.write(1, 2.5, 0.25, 1e-3, 100.0)
    metrics.close()
    assert len(lines(tmp_path)) == 1


def test_pace_tells_rate_and_time_left() -> None:
    now_s = 0.0
    pace = Pace(clips_left=1000, seconds_before=5.0, clock=lambda: now_s)
    assert not pace.due()
    now_s = SAY_EVERY_S
    assert pace.count(250) == 5.0 + SAY_EVERY_S
    assert pace.due()
    assert not pace.due()
    assert str(pace) == "25 clips/s, 30 s left"
    pace = Pace(clips_left=10**6, seconds_before=0.0, clock=lambda: now_s)
    now_s += 10
    pace.count(1000)
    assert str(pace) == "100 clips/s, 2.8 h left"
