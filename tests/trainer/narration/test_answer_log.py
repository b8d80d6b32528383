from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainer.narration.answer_log import AnswerLog, AnswerLogError, read_answers


def number(line: dict) -> int:
    return int(line["n"])


def test_answers_are_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "answers.jsonl"
    with AnswerLog(path, number) as log:
        log.append([{"key": "a", "n": 1, "reply": "eins\nzwei \ud800"}, {"key": "b", "n": 2}])
        log.append([{"key": "a", "n": 3}])
        assert log.answers == {"a": 3, "b": 2}
    assert read_answers(path, number) == {"a": 3, "b": 2}
    assert read_answers(tmp_path / "none", number) == {}


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_torn_line_is_cut_off_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerLog(path, number) as log:
        log.append([{"key": "a", "n": 1}, {"key": "b", "n": 2}])
    os.truncate(path, path.stat().st_size - cut)
    assert read_answers(path, number) == {"a": 1}
    with AnswerLog(path, number) as log:
        assert log.answers == {"a": 1}
        log.append([{"key": "c", "n": 3}])
    assert read_answers(path, number) == {"a": 1, "c": 3}


def test_one_command_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerLog(path, number), pytest.raises(AnswerLogError, match="another command"):
        AnswerLog(path, number)
    with AnswerLog(path, number):
        pass


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"key": "a", "n": 1}\nrubbish\n{"key": "b", "n": 2}\n')
    with pytest.raises(AnswerLogError, match=r"answers.jsonl:2: no answer"):
        AnswerLog(path, number)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """/dev/full refuses every byte; a log whose file is swapped for it must say so and keep what it knows."""
    path = tmp_path / "answers.jsonl"
    with AnswerLog(path, number) as log:
        log.append([{"key": "a", "n": 1}])
        before = path.read_bytes()
        soft, hard = __import__("resource").getrlimit(__import__("resource").RLIMIT_FSIZE)
        import resource
        import signal

        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            with pytest.raises(AnswerLogError, match="cannot be written"):
                log.append([{"key": "b", "n": 2, "reply": "x" * 100}])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, old)
        assert path.read_bytes() == before
        log.append([{"key": "b", "n": 2}])
    assert read_answers(path, number) == {"a": 1, "b": 2}
