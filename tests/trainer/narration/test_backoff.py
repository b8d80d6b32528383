from __future__ import annotations

import datetime
import email.utils
import itertools
import threading
import time

import pytest

from trainer.narration.rating.backoff import Backoff, BusyError, retry_after_s
from trainer.narration.rating.rater import RaterError, UnratedError


def failing(times: int, error: Exception) -> tuple[list[float], object]:
    asked: list[float] = []

    def ask() -> str:
        asked.append(time.monotonic())
        if len(asked) <= times:
            raise error
        return "answer"

    return asked, ask


def test_tries_until_it_works() -> None:
    asked, ask = failing(3, BusyError("busy"))
    assert Backoff(attempts=4, first_s=0.01).call(ask) == "answer"
    assert len(asked) == 4
    pauses = [b - a for a, b in itertools.pairwise(asked)]
    for number, pause in enumerate(pauses):
        assert pause >= 0.5 * 0.01 * 2**number, "each pause is twice the one before, less jitter"


def test_gives_this_one_up_after_the_last_try() -> None:
    asked, ask = failing(9, BusyError("answers 500"))
    with pytest.raises(UnratedError, match=r"answers 500 \(3 times\)"):
        Backoff(attempts=3, first_s=0.001).call(ask)
    assert len(asked) == 3


def test_other_errors_are_not_tried_again() -> None:
    asked, ask = failing(9, UnratedError("answers 400"))
    with pytest.raises(UnratedError):
        Backoff(first_s=0.001).call(ask)
    assert len(asked) == 1


def test_nobody_asks_before_the_server_wants_it() -> None:
    backoff = Backoff(first_s=0.001)
    asked, ask = failing(1, BusyError("busy", retry_after_s=0.5))
    began = time.monotonic()
    other: list[float] = []
    first = threading.Thread(target=backoff.call, args=(ask,))
    first.start()
    while not asked:
        time.sleep(0.005)
    time.sleep(0.05)
    backoff.call(lambda: other.append(time.monotonic()))
    first.join()
    assert other[0] - began >= 0.45, "another thread holds back, too"
    assert asked[1] - asked[0] >= 0.5


def test_a_long_pause_ends_the_run() -> None:
    _, ask = failing(1, BusyError("answers 429", retry_after_s=7200))
    with pytest.raises(RaterError, match="answers 429, and asks for a pause of 7200 s"):
        Backoff().call(ask)


def test_who_waits_gives_up_when_the_run_ends() -> None:
    backoff = Backoff(attempts=3, first_s=1000)
    _, ask = failing(9, BusyError("busy"))
    problems: list[Exception] = []

    def call() -> None:
        try:
            backoff.call(ask)
        except RaterError as problem:
            problems.append(problem)

    thread = threading.Thread(target=call)
    thread.start()
    backoff.stop()
    thread.join(timeout=20)
    assert len(problems) == 1


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30)
    assert retry_after_s("1.5") == 1.5
    assert retry_after_s("-3") == 0
    assert retry_after_s(email.utils.format_datetime(soon)) == pytest.approx(30, abs=3)
    assert retry_after_s("soon") is None
    assert retry_after_s(None) is None
