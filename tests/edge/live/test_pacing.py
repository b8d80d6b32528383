"""The hop stretches when inference is slow or the machine hot, and what changed is said once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from edge.contract import WindowSpec
from edge.hop_governor import CALM_PATIENCE, HopGovernor
from edge.live import pacing
from edge.live.pacing import Pacing
from tests.edge.snapshots import prediction


class Run:
    """A pipeline and a schedule as far as pacing knows them, and the seconds that pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        monkeypatch.setattr(pacing.time, "monotonic", lambda: self.now_s)
        self.notes: list[str] = []
        self.schedule = SimpleNamespace(hop_factor=1, skipped_rows=0)
        self.pipeline = SimpleNamespace(newest=None, note=self.notes.append)
        self.heat_c = 40.0
        power: Any = SimpleNamespace(read=self.reading)
        governor = HopGovernor(WindowSpec().hop_s)
        self.pacing = Pacing(self.schedule, self.pipeline, governor, power)  # type: ignore[arg-type]

    def reading(self) -> SimpleNamespace:
        return SimpleNamespace(temperatures_c={"cpu": self.heat_c}, trips_c={"cpu": 90.0})

    def seconds(self, count: int, video_ms: float) -> None:
        """Ten looks a second, a row a second that took this long."""
        for _ in range(count):
            row = self.pipeline.newest.row_index + 1 if self.pipeline.newest else 0
            self.pipeline.newest = replace(prediction(row, "cut"), stage_ms={"video": video_ms, "wait": 9999.0})
            for _ in range(10):
                self.now_s += 0.1
                self.pacing.tick()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_slow_inference_stretches_the_hop_and_says_why_once(run: Run) -> None:
    run.seconds(5, video_ms=100)
    assert (run.schedule.hop_factor, run.notes) == (1, [])
    run.seconds(30, video_ms=700)
    assert run.schedule.hop_factor == 2
    assert run.notes == ["hop stretched to 2 times: a row takes 700 ms, the hop is 533 ms"]
    run.seconds(3 * CALM_PATIENCE, video_ms=100)
    assert run.schedule.hop_factor == 1
    assert run.notes[1:] == ["hop back to its own length"]


def test_heat_stretches_the_hop(run: Run) -> None:
    run.heat_c = 89.0
    run.seconds(2, video_ms=10)
    assert run.schedule.hop_factor == 4
    assert "cpu is at 89 °C" in run.notes[0]


def test_skipped_rows_are_said_once_an_episode(run: Run) -> None:
    for _ in range(5):
        run.schedule.skipped_rows += 1
        run.seconds(2, video_ms=10)
    assert run.notes == ["inference is behind: rows are skipped"]
    run.seconds(20, video_ms=10)
    run.schedule.skipped_rows += 1
    run.seconds(2, video_ms=10)
    assert len(run.notes) == 2
