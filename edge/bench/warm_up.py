"""Running until the timings settle: caches fill, clocks rise, libraries allocate on their first runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STABLE_RUNS = 10
STABLE_VARIATION = 0.05
MOST_RUNS = 50


class WarmUp(NamedTuple):
    """How it went."""

    runs: int
    stable: bool
    """False when the last ten still varied by more than 5 % after fifty runs."""
    last_ms: float
    """Median of the last ten."""


def warm_up(run_ms: Callable[[], float]) -> WarmUp:
    """Call until the last ten durations vary by less than 5 % (standard deviation over mean), at most fifty times.

    Args:
        run_ms: runs once and gives its duration in ms.
    """
    taken: list[float] = []
    while len(taken) < MOST_RUNS:
        taken.append(run_ms())
        last = taken[-STABLE_RUNS:]
        if len(last) == STABLE_RUNS and np.std(last) < STABLE_VARIATION * np.mean(last):
            return WarmUp(len(taken), True, float(np.median(last)))
    return WarmUp(len(taken), False, float(np.median(taken[-STABLE_RUNS:])))
