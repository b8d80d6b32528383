"""`egoact rate --rater server` against a real server: what is asked, what is kept, what is said, and the key."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from edge.cli import main
from tests.trainer.narration.chat_server import Act, chatting
from tests.trainer.narration.clip_tables import read_rows, write_clips
from tests.trainer.narration.server_rating import KEY, fair, number, rate
from trainer.narration.rating.prompt import AGAIN


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
