"""A source made of given events, for tests of what comes after sources."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec


class FakeSource:
    title = "fake"
    clip = "fake.mp4"
    notes: tuple[str, ...] = ()

    def __init__(self, events: Sequence[Event | Exception]) -> None:
        self._events: Iterator[Event | Exception] = iter(events)
        self.origin_ns = 0
        self.closed = False

    def open(self) -> None:
        self.origin_ns = time.monotonic_ns()

    def read(self, timeout_s: float) -> Event | None:
        event = next(self._events, None)
        if isinstance(event, Exception):
            raise event
        return event

    def close(self) -> None:
        self.closed = True


def stream(
    spec: WindowSpec,
    colours: Sequence[tuple[int, int, int]],
    *,
    sound: float | None = 0.0,
    sound_s: float | None = None,
) -> list[Event | Exception]:
    """One frame a colour; with sound, blocks of 0.1 s of the constant `sound` that lasts `sound_s` (or all along)."""
    size = spec.frame_size_px
    timed: list[tuple[int, int, Event]] = []
    for tick, colour in enumerate(colours):
        image = np.empty((size, size, 3), np.uint8)
        image[:] = colour
        timed.append((spec.tick_ns(tick), 1, Frame(tick, spec.tick_ns(tick), image)))
    length_s = len(colours) / spec.frame_rate_hz
    block = spec.audio_rate_hz // 10
    if sound is None:
        timed.append((-1, 0, AudioEnd("no audio track")))
    else:
        total = int((length_s if sound_s is None else sound_s) * spec.audio_rate_hz)
        for start in range(0, total, block):
            samples = np.full(min(block, total - start), sound, np.float32)
            timed.append(((start + len(samples)) * 10**9 // spec.audio_rate_hz, 0, AudioBlock(start, samples)))
        timed.append((total * 10**9 // spec.audio_rate_hz, 2, AudioEnd("end")))
    timed.append((spec.tick_ns(len(colours)), 3, VideoEnd(len(colours))))
    return [event for _, _, event in sorted(timed, key=lambda item: item[:2])]
