"""`egoact narrate` and `egoact rate` shared out on Ray: the same files as one process, and nothing asked twice."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.features.test_ray_pool import children, command_of, wait_for
from tests.trainer.narration.clip_tables import write_clips
from tests.trainer.narration.test_captions import CLIPS, audioset, narrate, videos
from tests.trainer.narration.test_captions import write_clips as write_stretches
from tests.trainer.narration.test_rate_local import rate
from tests.trainer.narration.tiny_language_models import write_causal
from trainer.narration.rating.rater import Pair, UnratedError
from trainer.narration.rating.ray_rater import Facts, RayRater
from trainer.ray_workers import WorkerDiedError

__all__ = ["audioset", "videos"]  # fixtures of theirs


class Dying:
    """Workers that die on every pair."""

    count = 3

    def first(self, method: str) -> Any:
        assert method == "facts"
        return Facts("rater 1", 7)

    def ask(self, method: str, *arguments: Any) -> Any:
        raise WorkerDiedError("the worker died on it 2 times (memory?)")


def test_pairs_on_which_workers_die_fail_alone() -> None:
    rater = RayRater(Dying())  # type: ignore[arg-type]
    assert (rater.name, rater.batch_pairs, rater.concurrency) == ("rater 1", 7, 3)
    with pytest.raises(UnratedError, match="died on it 2 times"):
        rater.rate([Pair("She cuts", "A knife")])


def test_a_server_is_a_cluster_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = write_clips(tmp_path / "clips.csv", 2)
    given = ("--rater", "server", "--server", "http://localhost:9/v1", "--model", "m", "--workers", 2)
    assert rate(clips, tmp_path / "r.csv", *given) == 2
    assert "raise --concurrency, not --workers" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ratings_of_two_workers_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Model and clips are named by relative paths; a worker that is killed is replaced."""
    monkeypatch.chdir(tmp_path)
    write_causal(Path("model"), says="40%", chat_template=None)
    clips = write_clips(Path("clips.csv"), 40)
    given = ("--rater", "transformers", "--model", "model", "--batch", 2, "--max-tokens", 6)
    Path("one").mkdir()
    Path("two").mkdir()
    assert rate(clips, Path("one") / "r.csv", *given) == 0

    def kill_one() -> None:
        wait_for(lambda: Path("two/ratings.jsonl").exists() and Path("two/ratings.jsonl").stat().st_size > 0)
        workers = [process for process in children(os.getpid()) if "ray::_Worker" in command_of(process)]
        os.kill(workers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert rate(clips, Path("two") / "r.csv", *given, "--workers", 2) == 0
    killer.join()
    assert Path("two/r.csv").read_bytes() == Path("one/r.csv").read_bytes()
    lines = Path("two/ratings.jsonl").read_text().splitlines()
    assert len(lines) == 40, "nothing was asked twice"
    assert sorted(lines) == sorted(Path("one/ratings.jsonl").read_text().splitlines())
    capsys.readouterr()
    assert rate(clips, Path("two") / "r.csv", *given, "--workers", 2) == 0
    assert "40 known before, 0 calls" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_captions_of_two_workers_are_those_of_one_process(
    videos: Path, audioset: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, names = audioset
    clips = write_stretches(tmp_path / "clips.csv", *CLIPS, ("broken.mp4", 0.0, 1.0))
    given = ("--videos", videos, "--captioner", "audioset", "--model", weights, "--names", names)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert narrate(clips, *given, "--out", tmp_path / "one" / "narrated.csv") == 1
    alone = capsys.readouterr()
    assert narrate(clips, *given, "--out", tmp_path / "two" / "narrated.csv", "--workers", 2) == 1
    shared = capsys.readouterr()
    assert (tmp_path / "two" / "narrated.csv").read_bytes() == (tmp_path / "one" / "narrated.csv").read_bytes()
    one, two = ((tmp_path / folder / "captions.jsonl").read_text().splitlines() for folder in ("one", "two"))
    assert sorted(two) == sorted(one)
    assert "broken.mp4" in alone.err
    assert shared.err.splitlines()[-1] == alone.err.splitlines()[-1]
