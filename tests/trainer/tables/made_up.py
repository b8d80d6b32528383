"""Scores of runs that were never trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trainer.tables.run_score import PartScore, RunScore
from trainer.tables.runs import Run

CLIPS = 1000


def scores(runs: Iterable[Run], accuracy: Callable[[Run, str], float], auc: float = 0.5) -> dict[Run, RunScore]:
    """`accuracy(run, part)` in percent, on 1,000 clips a part."""

    def part(run: Run, name: str) -> PartScore:
        return PartScore(CLIPS, round(accuracy(run, name) * CLIPS / 100), 0.5)

    names = ("test", "source", "onscreen", "offscreen")
    return {run: RunScore({name: part(run, name) for name in names}, {"audio": auc}) for run in runs}
