"""`egoact rate --rater server` against a real server that misbehaves in every way that a server does, and kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from edge.cli import main
from tests.trainer.narration.chat_server import Act, Seen, chatting
from tests.trainer.narration.clip_tables import read_rows, write_clips
from tests.trainer.narration.server_rating import KEY, fair, number, rate

ROOT = Path(__file__).parents[3]


def bad(first: str, came: int) -> Act:
    """Every third pair fails at first: slow, 429, 500, a broken connection, rubbish, a web page."""
    faults = [
        Act(status=429, reply="slow down", headers={"Retry-After": "0.3"}),
        Act(status=500, reply="oops"),
        Act(cut=True),
        Act(body=b"<html>proxy</html>"),
        Act(body=b'{"choices": []}'),
        Act(body=b"{"),
        Act(status=503, body=b"gone"),
        Act(pause_s=1.2),
    ]
    if number(first) % 3 == 0 and came < 2:
        return faults[(number(first) // 3 + came) % len(faults)]
    return fair(first, came)


def test_a_server_that_fails_in_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = write_clips(tmp_path / "clips.csv", 60)
    with chatting(bad) as (url, seen):
        assert rate(url, clips, tmp_path / "rated.csv", "--timeout-s", 0.8, "--json") == 0
        asked = len(seen.requests)
        assert rate(url, clips, tmp_path / "rated.csv") == 0
        assert len(seen.requests) == asked, "all answers were kept"
    rows = read_rows(tmp_path / "rated.csv")
    assert [row["consistency"] for row in rows] == [f"{i / 100:.4f}" for i in range(60)]
    told = json.loads(capsys.readouterr().out.splitlines()[0])
    assert told["calls"] == 60, "calls that failed cost nothing"
    good = [i for i in range(60) if i % 3]
    came = Counter(number(r["messages"][0]["content"]) for r in seen.requests)
    assert {came[i] for i in good} == {1}
    assert {came[i] for i in range(0, 60, 3)} == {3}


def test_after_429_nobody_asks_before_the_server_wants_it(tmp_path: Path) -> None:
    def play(first: str, came: int) -> Act:
        busy = number(first) == 0 and came == 0
        return Act(status=429, headers={"Retry-After": "1.0"}) if busy else Act("9", pause_s=0.1)

    with chatting(play) as (url, seen):
        assert rate(url, write_clips(tmp_path / "c.csv", 12), tmp_path / "r.csv", "--concurrency", 2) == 0
    first = next(t for t, r in zip(seen.times_s, seen.requests, strict=True) if number(str(r["messages"])) == 0)
    # The other thread may have one request under way, and sends one that left before it heard of the pause.
    assert sum(first < t < first + 0.9 for t in seen.times_s) <= 2


def test_pairs_that_fail_are_told_and_asked_by_the_next_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = True

    def play(first: str, came: int) -> Act:
        if broken and number(first) == 2:
            return Act(status=400, reply="the prompt is too long")
        if broken and number(first) == 4:
            return Act(status=500, reply="oops")
        return fair(first, came)

    clips = write_clips(tmp_path / "clips.csv", 6)
    with chatting(play) as (url, seen):
        assert rate(url, clips, tmp_path / "rated.csv", "--attempts", 2) == 1
        said = capsys.readouterr()
        assert "1 pairs failed:" in said.err
        assert "answers 400: the prompt is too long" in said.err
        assert "answers 500: oops (2 times)" in said.err
        assert "2 clips were not asked about this time" in said.out
        rows = read_rows(tmp_path / "rated.csv")
        assert [row["consistency"] for row in rows] == ["0.0000", "0.0100", "", "0.0300", "", "0.0500"]
        asked, broken = len(seen.requests), False
        assert rate(url, clips, tmp_path / "rated.csv") == 0
        assert len(seen.requests) == asked + 2
    assert all(row["consistency"] for row in read_rows(tmp_path / "rated.csv"))


@pytest.mark.parametrize(("status", "word"), [(401, "set $OPENAI_API_KEY"), (404, "answers 404")])
def test_what_no_other_pair_would_change_ends_the_run(
    tmp_path: Path, status: int, word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def play(first: str, came: int) -> Act:
        return fair(first, came) if number(first) < 4 else Act(status=status, reply=f"no: key {KEY}", pause_s=0.05)

    with chatting(play) as (url, seen):
        assert rate(url, write_clips(tmp_path / "clips.csv", 200), tmp_path / "rated.csv", "--concurrency", 4) == 1
    [line] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("egoact rate:")]
    assert word in line
    assert KEY not in line
    assert len(seen.requests) < 20
    assert not (tmp_path / "rated.csv").exists()
    kept = (tmp_path / "ratings.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["percent"] for line in kept) == [0, 1, 2, 3], "what was paid for is kept"


def test_what_is_under_way_when_the_run_ends_is_kept(tmp_path: Path) -> None:
    def play(first: str, came: int) -> Act:
        return Act(status=401, pause_s=0.3) if number(first) == 0 else Act("77", pause_s=1.5)

    with chatting(play) as (url, _):
        assert rate(url, write_clips(tmp_path / "clips.csv", 50), tmp_path / "rated.csv", "--concurrency", 4) == 1
    kept = [json.loads(line)["percent"] for line in (tmp_path / "ratings.jsonl").read_text().splitlines()]
    assert kept == [77, 77, 77]


def test_a_server_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chatting(fair) as (url, _):
        pass
    clips = write_clips(tmp_path / "clips.csv", 100)
    assert rate(url, clips, tmp_path / "rated.csv", "--attempts", 2, "--concurrency", 2) == 1
    [line] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("egoact rate:")]
    assert "Connection refused" in line or "Connection error" in line
    assert "failures in a row" in line


def _killed_and_resumed(seen: Seen, url: str, folder: Path) -> list[str]:
    clips = write_clips(folder / "clips.csv", 60)
    quick = ("--pause-s", "0.01", "--threads", "1", "--device", "cpu", "--concurrency", "3")
    model = ("--rater", "server", "--server", url, "--model", "tiny")
    command = [sys.executable, "-m", "edge.cli", "rate", str(clips), "--out", str(folder / "rated.csv"), *model, *quick]
    log = folder / "ratings.jsonl"
    for kept in (8, 25):
        process = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "OPENAI_API_KEY": KEY}
        )
        deadline = time.monotonic() + 120
        while (log.read_bytes().count(b"\n") if log.exists() else 0) < kept and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not (folder / "rated.csv").exists()
    known = [json.loads(line)["visual"] for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    before = len(seen.requests)
    assert main(command[3:]) == 0
    return [
        r["messages"][0]["content"]
        for r in seen.requests[before:]
        if any(k + "\n" in str(r["messages"][0]["content"]) for k in known)
    ]


def test_kill_9_in_the_middle_loses_nothing_and_asks_nothing_twice(tmp_path: Path) -> None:
    with chatting(lambda first, n: Act(fair(first, n).reply, pause_s=0.05)) as (url, seen):
        again = _killed_and_resumed(seen, url, tmp_path)
    assert again == [], "what is on the disk is not asked again"
    assert [row["consistency"] for row in read_rows(tmp_path / "rated.csv")] == [f"{i / 100:.4f}" for i in range(60)]
    # Only what was under way at a kill is asked again: at most three pairs each time, and what the kill tore.
    assert len(seen.requests) <= 60 + 2 * (3 + 3)
