"""A made-up live stream with gaps, and what a pipeline made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edge.contract import AudioBlock, AudioEnd, Event, Frame, RunResult, VideoEnd, WindowSpec
from edge.pipeline import Pipeline
from edge.preprocess import is_fresh
from edge.recognizer import Recognizer
from tests.edge.fake_source import FakeSource


class Live(NamedTuple):
    """What went through a run, and what came out of it."""

    frames: tuple[Frame, ...]
    sound: tuple[AudioBlock, ...]
    result: RunResult


def noisy_stream(
    spec: WindowSpec, ticks: int, *, unseen: Sequence[range] = (), unheard: Sequence[range] = (), seed: int = 0
) -> tuple[list[Frame], list[AudioBlock]]:
    """Pictures and sound of noise whose colour and loudness wander, so that every label comes up.

    `unseen` are ticks without a frame: as with a live camera the one before is held while it is fresh. `unheard` are
    blocks of 10 ms that were lost.
    """
    rng, size = np.random.default_rng(seed), spec.frame_size_px
    frames: list[Frame] = []
    last: Frame | None = None
    for tick in range(ticks):
        colour = 128 + 127 * np.sin(tick / np.array([13, 19, 29]) + np.array([0, 2, 4]))
        if not any(tick in gap for gap in unseen):
            image = np.clip(rng.normal(colour, 20, (size, size, 3)), 0, 255).astype(np.uint8)
            # A camera's own times lie around the ticks.
            last = Frame(tick, spec.tick_ns(tick) + int(rng.integers(-12_000_000, 12_000_000)), image)
            frames.append(last)
        elif last is not None and is_fresh(tick, last.t_ns, spec):
            frames.append(Frame(tick, last.t_ns, last.image))
    block = spec.audio_rate_hz // 100
    total = ticks * spec.audio_rate_hz // spec.frame_rate_hz
    sound = []
    for number in range(total // block):
        if not any(number in gap for gap in unheard):
            loud = 0.15 * (1 + np.sin(number / 170))
            samples = rng.normal(0, loud, block).clip(-1, 1).astype(np.float32)
            sound.append(AudioBlock(number * block, samples))
    return frames, sound


def run_live(recognizer: Recognizer, frames: Sequence[Frame], sound: Sequence[AudioBlock], ticks: int) -> Live:
    spec = recognizer.bundle.window
    timed: list[tuple[int, Event]] = [(spec.tick_ns(frame.tick), frame) for frame in frames]
    timed += [((b.start_sample + len(b.samples)) * 10**9 // spec.audio_rate_hz, b) for b in sound]
    events: list[Event | Exception] = [event for _, event in sorted(timed, key=lambda item: item[0])]
    source = FakeSource([*events, AudioEnd("end"), VideoEnd(ticks)])
    return Live(tuple(frames), tuple(sound), Pipeline(source, recognizer, pace="fast").run())
