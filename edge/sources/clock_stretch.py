"""Sound of a clock that drifts, made as long as the monotonic clock says, without a seam."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

MAX_STRETCH = 2000e-6
"""No faster than 0.2 % (3.5 cents): crystals are within 0.02 %."""

SETTLE_S = 1.0
"""Time constant of the control: a clock that is 200 ppm off stays 0.2 ms away from its place."""


class ClockStretch:
    """Band-limited variable-rate resampling (soxr) around ratio 1, at the device's rate.

    The stretch changes a little with every block and is never undone by a jump: no sample is dropped or doubled, which
    would be a click about three times a second at 200 ppm. The filter is flat up to 0.97 of half the device's
    rate, so that the resampler to 16 kHz behind it, which training uses too, shapes the spectrum alone.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        # The highest ratio must be known when the filter is made.
        self._stream = soxr.ResampleStream(rate_hz * (1 + 2 * MAX_STRETCH), rate_hz, 1, dtype="float32", vr=True)
        self._out_samples = 0
        self.position = 0.0
        """Samples that all input so far is worth on the corrected clock."""

    def push(self, samples: NDArray[np.float32], target: float) -> NDArray[np.float32]:
        """samples: float32 [n], which should end at `target` samples of the corrected clock. Returns float32 [m]."""
        error_s = (target - self.position - len(samples)) / self._rate_hz
        stretch = 1 + min(MAX_STRETCH, max(-MAX_STRETCH, error_s / SETTLE_S))
        self._stream.set_io_ratio(1.0, stretch)
        self.position += len(samples) * stretch
        ready: NDArray[np.float32] = self._stream.resample_chunk(np.ascontiguousarray(samples))
        self._out_samples += len(ready)
        return ready

    def flush(self) -> NDArray[np.float32]:
        """The last samples, so that all make round(position); nothing may be pushed afterwards."""
        tail = np.zeros(round(self.position) - self._out_samples, np.float32)
        rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)[: len(tail)]
        tail[: len(rest)] = rest
        return tail
