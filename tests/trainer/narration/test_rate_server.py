"""`egoact rate --rater server` against a real server that misbehaves in every way that a server does."""

from __future__ import annotations

import json
import os
import re
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
from trainer.narration.rating.prompt import AGAIN

ROOT = Path(__file__).parents[3]
KEY = "sk-very-secret-key-0123456789"


def number(first: str) -> int:
    found = re.search(r"number (\d+)", first)
    assert found
    return int(found[1])


def fair(first: str, _: int) -> Act:
    """The percentage is the pair's number, modulo 101."""
    return Act(str(number(first) % 101))


def rate(url: str, clips: Path, out: Path, *more: object) -> int:
    quick = ("--pause-s", 0.01, "--threads", 1, "--device", "cpu")
    model = ("--rater", "server", "--server", url, "--model", "tiny")
    return main(["rate", *map(str, (clips, "--out", out, *model, *quick, *more))])


def test_every_pair_is_asked_once_with_the_papers_prompt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    twice = [("#C C cuts  onion number 3.", "Chops, number 3"), ("", "Chops"), ("#C C cuts", " ")]
    clips = write_clips(tmp_path / "clips.csv", 30, more=twice)
    with chatting(lambda first, n: Act(fair(first, n).reply, pause_s=0.05)) as (url, seen):
        assert rate(url, clips, tmp_path / "rated.csv", "--concurrency", 8, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pairs"], told["calls"], told["rated"], told["without_pair"]) == (30, 30, 31, 2)
    assert told["histogram"] == [11, 10, 10, 0, 0, 0, 0, 0, 0, 0]
    assert set(seen.answered.values()) == {1}
    assert 1 < seen.at_once <= 8
    assert seen.keys == {f"Bearer {KEY}"}
    assert {(r["temperature"], r["model"]) for r in seen.requests} == {(0, "tiny")}
    [question] = {r["messages"][0]["content"] for r in seen.requests if "number 7\n" in r["messages"][0]["content"]}
    assert question == (
        "Rate the consistency between two narrations from the same video out of 100. The first narration describes the "
        "visual aspect, and the second describes the audio. Consider how well the audio narration overlaps with and "
        "complements the visual narration. Output only the percentage score.\n\n"
        "First narration: She cuts onion number 7\nSecond narration: Chops, number 7"
    )
    rows = read_rows(tmp_path / "rated.csv")
    assert [row["consistency"] for row in rows[:31]] == [f"{i / 100:.4f}" for i in [*range(30), 3]]
    assert [row["consistency"] for row in rows[31:]] == ["1.0", "1.0"], "clips without a pair count fully"
    assert rows[0]["consistency_by"].startswith("server tiny, prompt ")
    assert [row["label"] for row in rows] == ["cut"] * 33


def test_nothing_is_asked_twice_by_the_next_run_or_for_another_file(tmp_path: Path) -> None:
    with chatting(fair) as (url, seen):
        assert rate(url, write_clips(tmp_path / "a.csv", 10), tmp_path / "out" / "a.csv") == 0
        assert rate(url, write_clips(tmp_path / "b.csv", 14), tmp_path / "out" / "b.csv") == 0
        assert len(seen.requests) == 14
        own = tmp_path / "prompt.txt"
        own.write_text("Do they agree? {audio} / {visual}")
        assert rate(url, tmp_path / "a.csv", tmp_path / "out" / "c.csv", "--prompt", own) == 0
    assert len(seen.requests) == 24, "another prompt is another rating"
    assert seen.requests[-1]["messages"][0]["content"].startswith("Do they agree? Chops, number ")


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


@pytest.mark.parametrize("reply", ["They agree well.", "150", "0.9", "between 80 and 90 %", ""])
def test_prose_is_asked_again_and_then_missing(tmp_path: Path, reply: str, capsys: pytest.CaptureFixture[str]) -> None:
    def play(first: str, came: int) -> Act:
        stubborn = number(first) == 1
        return Act(reply) if stubborn or came == 0 else Act("70%")

    clips = write_clips(tmp_path / "clips.csv", 3)
    with chatting(play) as (url, seen):
        for missing, cells in (("one", ["0.7000", "1.0", "0.7000"]), ("keep", ["0.7000", "", "0.7000"])):
            assert rate(url, clips, tmp_path / "rated.csv", "--missing", missing, "--asks", 3, "--json") == 0
            assert [row["consistency"] for row in read_rows(tmp_path / "rated.csv")] == cells
        assert rate(url, clips, tmp_path / "rated.csv", "--missing", "drop", "--json") == 0
    assert len(read_rows(tmp_path / "rated.csv")) == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(t["calls"], t["missing"], t["dropped"]) for t in told] == [(7, 1, 0), (0, 1, 0), (0, 1, 1)]
    assert Counter(number(r["messages"][0]["content"]) for r in seen.requests) == {0: 2, 1: 3, 2: 2}
    longest = max((r["messages"] for r in seen.requests), key=len)
    assert [m["role"] for m in longest] == ["user", "assistant", "user", "assistant", "user"]
    assert longest[2]["content"] == longest[4]["content"] == AGAIN
    assert longest[1]["content"] == reply


def test_a_reply_that_is_cut_off_is_none(tmp_path: Path) -> None:
    with chatting(lambda first, came: Act("8", finish="length") if came == 0 else Act("85")) as (url, seen):
        assert rate(url, write_clips(tmp_path / "clips.csv", 1), tmp_path / "rated.csv") == 0
    assert len(seen.requests) == 2
    assert read_rows(tmp_path / "rated.csv")[0]["consistency"] == "0.8500"


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


def test_the_key_is_nowhere_but_in_the_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("EGOACT_DEBUG", "")

    def play(first: str, came: int) -> Act:
        return Act(status=(400, 401, 500)[came % 3], reply=f"bad key {KEY} given") if number(first) > 2 else Act("5")

    with chatting(play) as (url, seen):
        for concurrency in (1, 8):
            rate(url, write_clips(tmp_path / "c.csv", 20), tmp_path / "r.csv", "--key-variable", "MY_KEY",
                 "--attempts", 2, "--concurrency", concurrency)  # fmt: skip
    assert seen.keys == {f"Bearer {KEY}"}
    said = capfd.readouterr()
    assert "[key]" in said.err
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in said.out + said.err
    assert KEY.encode() not in written


def test_dry_run_counts_and_sends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = write_clips(tmp_path / "clips.csv", 9, more=[("#C C cuts onion number 1", "Chops, number 1")])
    with chatting(fair) as (url, seen):
        assert rate(url, clips, tmp_path / "rated.csv", "--limit", 4, "--json") == 0
        assert rate(url, clips, tmp_path / "rated.csv", "--dry-run", "--json") == 0
        assert rate(url, clips, tmp_path / "rated.csv", "--dry-run") == 0
        assert len(seen.requests) == 4
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[0])["not_asked"] == 5
    cost = json.loads(lines[1])
    assert (cost["clips"], cost["pairs"], cost["cached"], cost["calls"], cost["most_calls"]) == (10, 9, 4, 5, 15)
    assert lines[3].startswith("5 calls of server tiny, prompt ")
    assert lines[3].endswith(", 15 if no reply is a percentage")
    assert [row["consistency"] == "" for row in read_rows(tmp_path / "rated.csv")] == [
        i in range(4, 9) for i in range(10)
    ]


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


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--server", "localhost:8000"), "give an address"),
        (("--server", "http://user:pw@localhost/v1"), "leave name, password and query out"),
        (("--asks", "0"), "--asks 0"),
        (("--pause-s", "0"), "--pause-s 0"),
        (("--prompt", "nowhere.txt"), "nowhere.txt"),
        (("--audio-column", "sound"), "no column 'sound'"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path, options: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = write_clips(tmp_path / "clips.csv", 1)
    model = ("--rater", "server", "--server", "http://127.0.0.1:9/v1", "--model", "m")
    assert main(["rate", str(clips), "--out", str(tmp_path / "r.csv"), *model, *options]) in (1, 2)
    [line] = capsys.readouterr().err.splitlines()
    assert word in line
    assert "pw" not in line
