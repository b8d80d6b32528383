"""Clicks of the emitter found in recorded sound, to a fraction of a sample."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock
from tests.capture.emitter import click_wave


def on_axis(blocks: Iterable[AudioBlock]) -> tuple[int, NDArray[np.float32], NDArray[np.bool_]]:
    """Blocks as one stretch: index of its first sample, samples (zeros where none came), and which of them came."""
    blocks = list(blocks)
    start = blocks[0].start_sample
    length = max(block.start_sample + len(block.samples) for block in blocks) - start
    samples, came = np.zeros(length, np.float32), np.zeros(length, bool)
    for block in blocks:
        at = block.start_sample - start
        assert not came[at : at + len(block.samples)].any(), "blocks overlap"
        samples[at : at + len(block.samples)] = block.samples
        came[at : at + len(block.samples)] = True
    return start, samples, came


def click_times_s(blocks: Iterable[AudioBlock], rate_hz: int = 16_000) -> NDArray[np.float64]:
    """Stream times in s at which clicks begin."""
    start, samples, _ = on_axis(blocks)
    template = click_wave(np.arange(round(0.001 * rate_hz)) / rate_hz)
    match = np.convolve(samples, template[::-1], "valid")
    envelope = np.abs(match)
    times, at = [], 0
    while at < len(envelope):
        if envelope[at] > 1.0:
            peak = at + int(np.argmax(envelope[at : at + round(0.003 * rate_hz)]))
            if 0 < peak < len(match) - 1:
                before, here, after = np.abs(match[peak - 1 : peak + 2])
                peak_f = peak + 0.5 * (before - after) / (before - 2 * here + after)
                times.append((start + peak_f) / rate_hz)
            at = peak + round(0.1 * rate_hz)
        else:
            at += 1
    return np.array(times)
