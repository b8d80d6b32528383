"""Timed blocks of a microphone as blocks of the stream's 16 kHz axis, which keeps to the monotonic clock for hours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, AudioBlock
from edge.preprocess import MonoResampler
from edge.sources.clock_stretch import ClockStretch
from edge.sources.sample_clock import TimedBlock

MAX_ERROR_S = 0.005
"""Sound that would lie further from its place is not stretched there but begins anew where it belongs: what was lost is
always longer (`sample_clock.LATE_NS`)."""


class LiveSound:
    """Every run of sound without a gap has a stretch and a resampler of its own: nothing rings across a gap."""

    def __init__(self, rate_hz: int, out_rate_hz: int, origin_ns: int) -> None:
        self._rate_hz = rate_hz
        self._out_rate_hz = out_rate_hz
        self._origin_ns = origin_ns
        self._run: _Run | None = None
        self._next_sample = 0

    def push(self, block: TimedBlock) -> list[AudioBlock]:
        """Blocks of the axis that are ready, in order; the axis simply goes on behind a gap."""
        ready = []
        if self._run is not None and abs(self._run.error_s(block)) > MAX_ERROR_S:
            ready += self.flush()
        if self._run is None:
            start_ns = block.end_ns - len(block.samples) * NS_PER_S // self._rate_hz
            start_sample = round((start_ns - self._origin_ns) * self._out_rate_hz / NS_PER_S)
            run_ns = self._origin_ns + start_sample * NS_PER_S // self._out_rate_hz
            self._run = _Run(self._rate_hz, self._out_rate_hz, start_sample, run_ns)
        return ready + self._place(self._run.push(block))

    def flush(self) -> list[AudioBlock]:
        """The last samples of the run that goes on."""
        if self._run is None:
            return []
        tail, self._run = self._run.flush(), None
        return self._place(tail)

    def _place(self, block: AudioBlock) -> list[AudioBlock]:
        """Without what lies before stream time 0 or before the end of what was given already."""
        samples = block.samples[max(0, self._next_sample - block.start_sample) :]
        if not len(samples):
            return []
        end = block.start_sample + len(block.samples)
        self._next_sample = end
        return [AudioBlock(end - len(samples), samples)]


class _Run:
    """Sound without a gap: stretched to the monotonic clock, then resampled as clips are for training."""

    def __init__(self, rate_hz: int, out_rate_hz: int, start_sample: int, start_ns: int) -> None:
        self._rate_hz = rate_hz
        self._start_ns = start_ns
        self._stretch = ClockStretch(rate_hz)
        self._resampler = MonoResampler(rate_hz, out_rate_hz)
        self._next_sample = start_sample

    def _target(self, block: TimedBlock) -> float:
        return (block.end_ns - self._start_ns) * self._rate_hz / NS_PER_S

    def error_s(self, block: TimedBlock) -> float:
        """How far the block would end from its place, were it not stretched."""
        return (self._target(block) - self._stretch.position - len(block.samples)) / self._rate_hz

    def push(self, block: TimedBlock) -> AudioBlock:
        return self._numbered(self._resampler.push(self._stretch.push(block.samples, self._target(block))))

    def flush(self) -> AudioBlock:
        last = self._resampler.push(self._stretch.flush())
        return self._numbered(np.concatenate([last, self._resampler.flush()]))

    def _numbered(self, samples: NDArray[np.float32]) -> AudioBlock:
        block = AudioBlock(self._next_sample, samples)
        self._next_sample += len(samples)
        return block
