"""Sudden events in sound and in picture: clicks and claps heard, flashes and claps seen, with the times they began."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, AudioBlock, Frame

_SLICE_S = 0.001
"""Sound is looked at in slices of this length; the onset is then found to the sample."""

_LOUDER = 100.0
"""An onset has this many times (20 dB) the power of the recording's quiet half, and of what was just before it."""

_FAINTEST_POWER = 1e-7
"""Of the differentiated sound (full scale 1): below it there is nothing but the converter's noise."""

_APART_S = 0.3
"""Two events of one kind are at least this far apart."""

_BRIGHTER = 8.0
"""A flash makes the picture's mean brighter by at least this much of 255 from one frame to the next."""

_MOVING = 1.0
"""A clap moves the picture by at least this much of 255 from one frame to the next, beyond what always moves."""

_QUICK = 0.3
"""Claps are among the quickest motions of the recording: what has less than this share of their motion is none."""

_LONGEST_STEP_S = 0.1
"""Over a longer gap between two frames nothing can be told."""


class Onsets(NamedTuple):
    """Events seen, in time order."""

    times_s: NDArray[np.float64]
    """Stream times in s."""
    strengths: NDArray[np.float64]
    """How sudden each was: the step in brightness or in motion."""


class PictureTrace:
    """Brightness and motion of every new frame."""

    def __init__(self) -> None:
        self._times_ns: list[int] = []
        self._brightness: list[float] = []
        self._motion: list[float] = []
        self._last: NDArray[np.uint8] | None = None

    def add(self, frame: Frame) -> None:
        """A grid frame; one that is only held from an earlier tick counts once."""
        if self._times_ns and frame.t_ns <= self._times_ns[-1]:
            return
        grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
        self._times_ns.append(frame.t_ns)
        self._brightness.append(float(grey.mean()))
        self._motion.append(0.0 if self._last is None else float(cv2.absdiff(grey, self._last).mean()))
        self._last = grey

    @property
    def frames(self) -> int:
        return len(self._times_ns)

    @property
    def frame_interval_s(self) -> float:
        """Mean time between two frames; NaN before there are two."""
        return float(np.mean(np.diff(self._times_s()))) if self.frames > 1 else float("nan")

    def flashes(self) -> Onsets:
        """Flashes, each in the middle between the last dark and the first bright frame.

        One flash is so told to within half a frame. The mean over flashes at any phase is off by as much as the
        camera's exposure differs from what its time stamps mean, which no picture tells.
        """
        times_s, jumps = self._times_s(), np.diff(self._brightness)
        threshold = max(_BRIGHTER, 8 * _spread(jumps))
        steps = [step for step in range(len(jumps)) if jumps[step] > threshold]
        return self._apart([((times_s[step] + times_s[step + 1]) / 2, jumps[step], step) for step in steps])

    def claps(self) -> Onsets:
        """Moments at which a quick motion stopped, as hands do that meet.

        The motion of the step in which they meet, compared with that of the step before, tells how far into it.
        """
        times_s, motion = self._times_s(), np.array(self._motion[1:])
        if len(motion) < 3:
            return Onsets(np.zeros(0), np.zeros(0))
        motion -= np.quantile(motion, 0.1)  # what moves all the time, as noise does
        threshold = max(_MOVING, _QUICK * float(np.quantile(motion, 0.98)))
        found = []
        for step in range(1, len(motion) - 1):
            before, here, after = motion[step - 1 : step + 2]
            if here > threshold and after < here / 2:
                moved = (here + max(0.0, after)) / max(before, here)
                found.append((times_s[step] + moved * (times_s[step + 1] - times_s[step]), here - after, step))
        return self._apart(found)

    def _apart(self, found: list[tuple[float, float, int]]) -> Onsets:
        """(time, strength, step from frame `step` to the next) without long steps and without those too close by."""
        times_s, kept = self._times_s(), list[tuple[float, float]]()
        for time_s, strength, step in found:
            short = times_s[step + 1] - times_s[step] < _LONGEST_STEP_S
            if short and (not kept or time_s - kept[-1][0] > _APART_S):
                kept.append((time_s, strength))
        return Onsets(np.array([time_s for time_s, _ in kept]), np.array([strength for _, strength in kept]))

    def _times_s(self) -> NDArray[np.float64]:
        return np.array(self._times_ns, np.float64) / NS_PER_S


def sound_onsets_s(blocks: Iterable[AudioBlock], rate_hz: int) -> NDArray[np.float64]:
    """Stream times in s at which something loud began suddenly, to a fraction of a millisecond."""
    start, samples = _joined(blocks)
    size = round(_SLICE_S * rate_hz)
    # The difference weighs by frequency: claps and clicks are broad, hum and rumble vanish.
    edges = np.abs(np.diff(samples, prepend=samples[:1]))
    slices = edges[: len(edges) // size * size].reshape(-1, size)
    power = (slices**2).mean(axis=1)
    if not len(power):
        return np.zeros(0)
    threshold = max(_FAINTEST_POWER, _LOUDER * float(np.median(power)))
    found: list[float] = []
    for loud in np.flatnonzero(power > threshold).tolist():
        before = power[max(0, loud - 50) : max(1, loud - 2)]
        first = (start + loud * size) / rate_hz
        if (found and first - found[-1] < _APART_S) or power[loud] < _LOUDER * before.mean():
            continue
        near = edges[max(0, loud - 1) * size : (loud + 10) * size]
        begin = max(0, loud - 1) * size + int(np.argmax(near > 0.25 * near.max()))
        found.append((start + begin) / rate_hz)
    return np.array(found)


def _joined(blocks: Iterable[AudioBlock]) -> tuple[int, NDArray[np.float32]]:
    """Index of the first sample, and all samples with zeros in the gaps."""
    blocks = list(blocks)
    if not blocks:
        return 0, np.zeros(0, np.float32)
    start = blocks[0].start_sample
    samples = np.zeros(blocks[-1].start_sample + len(blocks[-1].samples) - start, np.float32)
    for block in blocks:
        samples[block.start_sample - start :][: len(block.samples)] = block.samples
    return start, samples


def _spread(values: NDArray[np.float64]) -> float:
    """Standard deviation by the median absolute deviation: events do not enter it."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0
