from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge.errors import EgoactError
from trainer.tables.runs import Run
from trainer.tables.settings import PAPER
from trainer.tables.source import Source
from trainer.tables.workers import run_units
from trainer.tables.workshop import Workshop
from trainer.tables.world_source import WorldSource

UNITS = [(Run("a", "erm", "ap", 0),), (Run("b", "erm", "ap", 0),), (Run("c", "erm", "ap", 0),)]


@dataclass
class Breaking:
    """A workshop in which the unit of split b fails in one way or another."""

    how: str
    done: list[str] = field(default_factory=list)

    def work(self, unit: Sequence[Run]) -> None:
        if unit[0].split == "b" and self.how == "refuses":
            raise EgoactError("b: the disk is full; make room")
        if unit[0].split == "b" and self.how == "defect":
            raise ValueError("a defect")
        if unit[0].split == "b" and self.how == "killed":
            os._exit(9)
        self.done.append(unit[0].split)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("refuses", EgoactError, "b: the disk is full; make room"),
        ("defect", RuntimeError, "ValueError: a defect"),
        ("killed", EgoactError, "a worker process was killed .*--workers 1"),
    ],
)
def test_what_happens_in_a_worker_is_told_here(how: str, error: type[Exception], message: str) -> None:
    told: list[Any] = []
    with pytest.raises(error, match=message):
        run_units(Breaking(how), UNITS[:2], 2, told.append)  # type: ignore[arg-type]
    assert [unit for unit in told if unit != UNITS[0]] == []


def test_one_worker_works_here_and_in_order() -> None:
    shop, told = Breaking(""), []
    run_units(shop, UNITS, 1, told.append)  # type: ignore[arg-type]
    assert shop.done == ["a", "b", "c"]
    assert told == UNITS


def test_a_workshop_can_be_sent_to_another_process() -> None:
    source: Source = WorldSource(Path("world"), Path("features"))
    shop = Workshop(source, None, PAPER, Path("out"), {"a": "1"}, "words")
    assert pickle.loads(pickle.dumps(shop)) == shop
