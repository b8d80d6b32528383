"""Sound on the stream's own sample axis: every sample at the place where its time stamp puts it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S
from edge.preprocess import MonoResampler
from edge.sources.frame_times import MAX_BACK_NS, MAX_GAP_NS

TOLERANCE_NS = 50_000_000
"""Time stamps may be off by this much before samples are inserted or cut (50 ms); containers round them."""


class Run(NamedTuple):
    """Consecutive samples of the axis, float32 [n]; `heard` is False where they fill a gap."""

    samples: NDArray[np.float32]
    heard: bool


class AudioAxis:
    """Turns timed blocks of any rate and channel count into one gapless mono stream that starts at stream time 0.

    Sound before 0 is cut (after resampling, so that the cut leaves no edge), a late start and gaps become zeros that
    are marked as not heard, overlaps are cut, a change of rate is followed, and a new time line (a joined recording)
    goes on where the old one ended.
    """

    def __init__(self, out_rate_hz: int) -> None:
        self._out_rate_hz = out_rate_hz
        self._resampler: MonoResampler | None = None
        self._run_start_samples = 0
        self._to_cut_samples = 0
        self._shift_ns = 0

    def push(self, t_ns: int | None, samples: NDArray[Any], rate_hz: int) -> list[Run]:
        """samples: [n] or [n, channels] at `rate_hz`, the first at stream time `t_ns` (None: right after the last).

        Returns the next samples of the axis that are ready.
        """
        ready = []
        if self._resampler is None or self._resampler.in_rate_hz != rate_hz:
            ready.append(self.flush())
            self._resampler = MonoResampler(rate_hz, self._out_rate_hz)
        gap = 0 if t_ns is None else self._gap_samples(t_ns, self._resampler)
        if gap > 0:
            # The sound after a gap starts a resampler of its own: nothing of it rings back into the gap.
            ready += [self.flush(), self._fill(round(gap * self._out_rate_hz / rate_hz))]
            self._resampler = MonoResampler(rate_hz, self._out_rate_hz)
        elif gap < 0 and self._placed_samples(self._resampler) == 0:
            self._to_cut_samples = round(-gap * self._out_rate_hz / rate_hz)
            self._run_start_samples = -self._to_cut_samples
            gap = 0
        ready.append(self._cut(self._resampler.push(samples[max(0, -gap) :])))
        return ready

    def flush(self) -> Run:
        """The last samples of the run that goes on."""
        if self._resampler is None:
            return Run(np.zeros(0, np.float32), heard=True)
        tail = self._resampler.flush()
        self._run_start_samples += self._resampler.total_samples
        self._resampler = None
        return self._cut(tail)

    def _fill(self, count: int) -> Run:
        self._run_start_samples += count
        return Run(np.zeros(count, np.float32), heard=False)

    def _cut(self, samples: NDArray[np.float32]) -> Run:
        cut = min(len(samples), self._to_cut_samples)
        self._to_cut_samples -= cut
        return Run(samples[cut:], heard=True)

    def _placed_samples(self, resampler: MonoResampler) -> int:
        """Where the next sample belongs on the axis."""
        return self._run_start_samples + resampler.total_samples

    def _gap_samples(self, t_ns: int, resampler: MonoResampler) -> int:
        """Input samples missing before `t_ns` (negative: samples that are too many); 0 within the tolerance."""
        placed_samples = self._placed_samples(resampler)
        gap_ns = t_ns + self._shift_ns - placed_samples * NS_PER_S // self._out_rate_hz
        furthest_back_ns = MAX_BACK_NS if placed_samples else MAX_GAP_NS
        if not -furthest_back_ns <= gap_ns <= MAX_GAP_NS:
            self._shift_ns -= gap_ns
            return 0
        if placed_samples and abs(gap_ns) <= TOLERANCE_NS:
            return 0
        return round(gap_ns * resampler.in_rate_hz / NS_PER_S)
