"""A sound card in numbers: blocks of samples with arrival times, of a clock that drifts, with delays and losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S
from edge.sources.native_ring import NativeBlock

Sound = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def blocks(
    sound: Sound,
    seconds: float,
    *,
    rate_hz: int = 48_000,
    ppm: float = 0.0,
    start_s: float = 500.0,
    delay_s: Callable[[float], float] = lambda t_s: 0.0,
    lost_s: tuple[tuple[float, float], ...] = (),
    block_s: float = 0.01,
) -> Iterator[NativeBlock]:
    """What callbacks deliver: `sound` is sampled at monotonic times; blocks that end in a `lost_s` span never come.

    `delay_s` maps a block's end (seconds after the start) to the delay of its arrival; arrivals keep their order.
    """
    real_rate_hz = rate_hz * (1 + ppm * 1e-6)
    size = round(block_s * rate_hz)
    delivered, arrival_s = 0, 0.0
    for number in range(int(seconds / block_s)):
        end_s = (number + 1) * size / real_rate_hz
        if any(at <= end_s < at + length for at, length in lost_s):
            continue
        t_s = start_s + (number * size + np.arange(size)) / real_rate_hz
        arrival_s = max(arrival_s, start_s + end_s + delay_s(end_s))
        samples = sound(t_s).astype(np.float32)[:, None]
        yield NativeBlock(delivered, samples, round(arrival_s * NS_PER_S))
        delivered += size
