"""A camera and a microphone that play a clip once, from a given tick of the stream on; before and after it is dark and
nearly quiet, so that both are always there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.sources.replay import ReplaySource
from edge.sources.sensor import SensorFacts

BLOCK = 160
HUM = 1e-6
"""Not exactly nothing, which would be a muted microphone."""


class _ClipDevice:
    def __init__(self, clip: Path, spec: WindowSpec, go: Path, kind: type, delay_s: float = 0.0) -> None:
        self._clip = clip
        self._spec = spec
        self._go = go
        self._kind = kind
        self._delay_ns = int(delay_s * NS_PER_S)
        self._origin_ns = 0
        self._next = 0
        self._playing: Iterator | None = None
        self._start_tick = 0

    def open(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._next = self._per_second * (time.monotonic_ns() - origin_ns) // NS_PER_S + 1

    def facts(self) -> SensorFacts:
        return SensorFacts(self._kind.__name__, "clip", "kernel", self._next, rate_hz=float(self._per_second))

    def close(self) -> None:
        """Nothing to release."""

    @property
    def _per_second(self) -> int:
        return self._spec.frame_rate_hz if self._kind is Frame else self._spec.audio_rate_hz

    def _wait(self, position: int, timeout_s: float) -> bool:
        due_ns = self._origin_ns + position * NS_PER_S // self._per_second + self._delay_ns
        wait_s = (due_ns - time.monotonic_ns()) / NS_PER_S
        time.sleep(min(max(0.0, wait_s), timeout_s))
        return wait_s <= timeout_s

    def _from_clip(self, position: int) -> Frame | AudioBlock | None:
        """What the clip has to give now, once the file `go` says at which tick it starts."""
        if self._playing is None and self._go.exists():
            self._start_tick = int(self._go.read_text())
            self._playing = _events(self._clip, self._spec, self._kind)
        start = self._start_tick * self._per_second // self._spec.frame_rate_hz
        if self._playing is None or position < start:
            return None
        return next(self._playing, None)


class ClipCamera(_ClipDevice):
    def __init__(self, clip: Path, spec: WindowSpec, go: Path, delay_s: float = 0.0) -> None:
        super().__init__(clip, spec, go, Frame, delay_s)

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        tick = self._next
        if not self._wait(tick, timeout_s):
            return ()
        self._next += 1
        frame = self._from_clip(tick)
        size = self._spec.frame_size_px
        image = frame.image if isinstance(frame, Frame) else np.zeros((size, size, 3), np.uint8)
        return (Frame(tick, self._spec.tick_ns(tick), image),)


class ClipMicrophone(_ClipDevice):
    def __init__(self, clip: Path, spec: WindowSpec, go: Path, delay_s: float = 0.0) -> None:
        super().__init__(clip, spec, go, AudioBlock, delay_s)

    def read(self, timeout_s: float) -> tuple[AudioBlock, ...]:
        start = self._next
        if not self._wait(start + BLOCK, timeout_s):
            return ()
        # A block of hum that reached into the clip would hide its beginning: rather a gap before it.
        block = self._from_clip(start + BLOCK - 1)
        if isinstance(block, AudioBlock):
            offset = self._start_tick * self._spec.audio_rate_hz // self._spec.frame_rate_hz
            placed = AudioBlock(offset + block.start_sample, block.samples, block.heard)
            self._next = placed.start_sample + len(placed.samples)
            return (placed,)
        if self._playing is None and self._go.exists():
            return ()
        self._next += BLOCK
        return (AudioBlock(start, np.full(BLOCK, HUM, np.float32)),)


def _events(clip: Path, spec: WindowSpec, kind: type) -> Iterator:
    source = ReplaySource(clip, spec)
    source.open()
    while (event := source.read(0)) is not None:
        if isinstance(event, kind):
            yield event
