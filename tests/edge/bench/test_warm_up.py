from __future__ import annotations

import itertools
from collections.abc import Iterable

from edge.bench.warm_up import MOST_RUNS, STABLE_RUNS, WarmUp, warm_up


def settle(durations: Iterable[float]) -> WarmUp:
    values = iter(durations)
    return warm_up(lambda: next(values))


def test_steady_timings_need_ten_runs() -> None:
    assert settle(itertools.repeat(8.0)) == WarmUp(STABLE_RUNS, True, 8.0)


def test_slow_first_runs_must_leave_the_last_ten() -> None:
    assert settle(itertools.chain([300.0, 40.0, 12.0], itertools.repeat(10.0))) == WarmUp(13, True, 10.0)


def test_the_limit_is_five_per_cent() -> None:
    """Standard deviation of +-x is x."""
    assert settle(itertools.cycle([9.6, 10.4])).runs == STABLE_RUNS
    assert settle(itertools.cycle([9.4, 10.6])) == WarmUp(MOST_RUNS, False, 10.0)


def test_what_never_settles_ends_after_fifty_runs() -> None:
    growing = settle(2.0**n for n in range(1000))
    assert (growing.runs, growing.stable) == (MOST_RUNS, False)
