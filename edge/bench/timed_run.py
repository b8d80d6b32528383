"""One timed inference: the whole call by the clock, and its parts where the engine measures them itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from edge.clock import Clock
from edge.engines.base import Engine, Tensors
from edge.engines.tensorrt import TensorRtEngine


class TimedRun(NamedTuple):
    """In ms. On the processor everything is computation; on a GPU the parts are device time between events."""

    total: float
    compute: float
    enqueue: float | None = None
    """Processor time until the GPU had its work."""
    h2d: float | None = None
    d2h: float | None = None


Runner = Callable[[], TimedRun]


def runner(engine: Engine, inputs: Tensors, clock: Clock) -> Runner:
    """A function that runs the engine once on these inputs."""

    def run() -> TimedRun:
        begun_ns = clock.monotonic_ns()
        engine.infer(inputs)
        total = (clock.monotonic_ns() - begun_ns) / 1e6
        if not isinstance(engine, TensorRtEngine):
            return TimedRun(total, total)
        parts = engine.timings()
        return TimedRun(total, parts.compute_ms, parts.enqueue_ms, parts.h2d_ms, parts.d2h_ms)

    return run
