"""When each label of a run was there: measured at real pace, estimated where a clip was replayed as fast as it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.contract import RunResult


def emission_times_ns(result: RunResult, label_age_ms: float | None = None) -> NDArray[np.int64]:
    """Stream time at which each prediction was emitted, int64 [N], never falling.

    At real pace it is the measured time. Otherwise it is what one engine owner would reach on this machine: work on a
    row begins when its clip has ended and the row before is done, and takes the stage times that were measured
    (Lindley's recursion: done = max(clip end, done before) + work).

    Args:
        label_age_ms: take this age for every label instead, as measured on the device that shall run it.
    """
    ends_ns = np.array([p.clip_end_ns for p in result.predictions], np.int64)
    if label_age_ms is not None:
        return np.maximum.accumulate(ends_ns + round(label_age_ms * 1e6))
    if result.pace != "fast":
        return np.maximum.accumulate(np.array([p.emitted_ns for p in result.predictions], np.int64))
    done_ns, times_ns = 0, np.empty(len(ends_ns), np.int64)
    for index, prediction in enumerate(result.predictions):
        work_ms = sum(ms for stage, ms in prediction.stage_ms.items() if stage != "wait")
        done_ns = max(int(ends_ns[index]), done_ns) + round(work_ms * 1e6)
        times_ns[index] = done_ns
    return times_ns
