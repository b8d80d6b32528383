from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from trainer.features.ego4d import Ego4dFolder
from trainer.features.progress import Progress
from trainer.features.run import Output, StoreOutput, extract_all
from trainer.features.store import FeatureStore, VideoFeatures
from trainer.features.tasks import Description, Outcome, Task

WIDTHS = {"appearance": 4, "motion": 3, "audio": 2}


def features(name: str) -> VideoFeatures:
    rng = np.random.default_rng(list(name.encode()))
    rows = 2 + len(name) % 3
    start = np.arange(rows, dtype=np.int64) * 16
    arrays = {key: rng.normal(size=(rows, width)).astype(np.float32) for key, width in WIDTHS.items()}
    return VideoFeatures(start, start / 30.0, **arrays, audio_coverage=rng.random(rows, dtype=np.float32))


class FakePool:
    """Makes features out of names; names with 'bad' fail."""

    def describe(self) -> Description:
        return Description(WIDTHS, {"made": "up"})

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        for task in tasks:
            if "bad" in task.name:
                yield Outcome(task, None, f"{task.name}: broken")
            else:
                yield Outcome(task, features(task.name))


def tasks(*names: str) -> list[Task]:
    return [Task(name, Path("/nowhere") / name) for name in names]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def to_store(folder: Path) -> Output:
    return StoreOutput(folder, FakePool().describe())


def to_ego4d(folder: Path) -> Output:
    return Ego4dFolder(folder, FakePool().describe().made_with)


def extract(folder: Path, names: Sequence[str], output: Callable[[Path], Output] = to_store) -> list[Outcome]:
    return extract_all(tasks(*names), FakePool(), output(folder), Progress(io.StringIO()))


def test_what_is_there_is_not_made_again_and_the_rest_follows_in_order(tmp_path: Path) -> None:
    extract(tmp_path, ["a.mp4"])
    assert extract(tmp_path, ["c.mp4", "a.mp4", "bb.mp4"]) == []
    assert FeatureStore.open(tmp_path).videos == ("a.mp4", "c.mp4", "bb.mp4")


def test_a_broken_video_is_returned_and_tried_again_the_next_time(tmp_path: Path) -> None:
    names = ["a.mp4", "bad.mp4", "b.mp4"]
    for _ in range(2):
        failed = extract(tmp_path, names)
        assert [(outcome.task.name, outcome.problem) for outcome in failed] == [("bad.mp4", "bad.mp4: broken")]
    assert FeatureStore.open(tmp_path).videos == ("a.mp4", "b.mp4")


class Killed(BaseException):
    """What a test puts in the place of kill -9: nothing in the code may catch it."""


@pytest.mark.parametrize("output", [to_store, to_ego4d])
def test_killed_at_any_write_the_next_run_leaves_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: Callable[[Path], Output]
) -> None:
    names = ["a.mp4", "bad.mp4", "bb.mp4", "ccc.mp4"]
    extract(tmp_path / "undisturbed", names, output)
    expected = contents(tmp_path / "undisturbed")
    fsync, replace = os.fsync, os.replace
    calls, fatal = 0, -1

    def counted(real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            nonlocal calls
            calls += 1
            if calls == fatal:
                raise Killed
            real(*arguments)
            calls += 1
            if calls == fatal:
                raise Killed

        return call

    monkeypatch.setattr(os, "fsync", counted(fsync))
    monkeypatch.setattr(os, "replace", counted(replace))
    extract(tmp_path / "counted", names, output)
    points = calls
    assert points >= (2 * 3 * 5 if output is to_store else 2 * 3 * 2)
    for point in range(1, points + 1):
        folder = tmp_path / f"killed{point}"
        calls, fatal = 0, point
        with pytest.raises(Killed):
            extract(folder, names, output)
        fatal = -1
        extract(folder, names, output)
        assert contents(folder) == expected, f"killed at write {point} of {points}"


def test_progress_tells_rate_and_time_left() -> None:
    now = [0.0]
    out = io.StringIO()
    progress = Progress(out, lambda: now[0])
    progress.start(total=5, skipped=1, total_bytes=4000)
    now[0] = 10.0
    progress.video(rows=100, size_bytes=1000)
    assert progress.line() == "2 of 5 videos, 100 rows, 10.0 rows/s, 30 s left"
    now[0] = 20.0
    progress.rows(40)
    assert progress.line().startswith("2 of 5 videos, 140 rows, 7.0 rows/s")
    progress.video(rows=100, size_bytes=1000)
    assert progress.line() == "3 of 5 videos, 200 rows, 10.0 rows/s, 20 s left"
    now[0] = 10_000.0
    progress.video(100, 1000)
    assert progress.line().endswith(", 56 min left")
    progress.video(100, 1000)
    assert progress.line() == "5 of 5 videos, 400 rows, 0.0 rows/s"
    assert "1 of 5 videos were there already" in out.getvalue()
