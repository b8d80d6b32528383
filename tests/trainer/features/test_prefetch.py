from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from trainer.features.prefetch import prefetched


def test_same_items_in_the_same_order() -> None:
    assert list(prefetched(iter(range(50)))) == list(range(50))
    assert list(prefetched([])) == []


def test_it_works_ahead_but_not_far() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(10):
            made.append(i)
            yield i

    taken = prefetched(items(), ahead=1)
    assert next(taken) == 0
    deadline = time.monotonic() + 10
    while len(made) < 3:  # one ready, one in the making
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.05)
    assert made == [0, 1, 2]
    taken.close()  # type: ignore[attr-defined]


def test_an_error_arrives_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    taken = prefetched(items())
    assert next(taken) == 1
    with pytest.raises(LookupError, match="no more"):
        next(taken)


def test_stopping_early_ends_the_thread() -> None:
    before = threading.active_count()
    taken = prefetched(iter(range(1000)))
    next(taken)
    taken.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
