"""A clip that was decoded beforehand, played again and again: a source whose rate only the clock limits."""

from __future__ import annotations

import threading
from collections import deque
from math import lcm
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec
from edge.errors import SourceError
from edge.rings import Rings
from edge.sources.replay import ReplaySource


class Recording:
    """The first seconds of a clip in memory: frames uint8 [T, S, S, 3] and mono samples float32 [n], to be looped."""

    def __init__(self, clip: Path, spec: WindowSpec, seconds: float) -> None:
        """Decode them.

        Raises:
            SourceError: the clip cannot be read, or is shorter than one row.
        """
        frames, blocks = _decoded(clip, spec, int(seconds * spec.frame_rate_hz))
        # A whole number of ticks that is a whole number of samples.
        step = lcm(spec.frame_rate_hz, spec.audio_rate_hz) // spec.audio_rate_hz
        self.ticks = len(frames) // step * step
        if self.ticks < spec.row_frames:
            raise SourceError(f"{clip}: shorter than one row of {spec.row_frames} frames; give a longer clip")
        self.spec = spec
        self.title = clip.name
        self.frames: NDArray[np.uint8] = np.stack(frames[: self.ticks])
        length = self.ticks * spec.audio_rate_hz // spec.frame_rate_hz
        sound = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        self.sound: NDArray[np.float32] | None = np.resize(sound, length) if len(sound) else None


class LoopedSource:
    """A `Source` of a recording that never ends; frames and sound come when `clock` says."""

    notes: tuple[str, ...] = ()

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording = recording
        self._clock = clock
        self._stop = threading.Event()
        self._tick = 0
        self._due: deque[Event] = deque()
        self.title = self.clip = recording.title
        self.origin_ns = 0

    def open(self) -> None:
        self.origin_ns = self._clock.monotonic_ns()
        if self._recording.sound is None:
            self._due.append(AudioEnd("no audio track"))

    def read(self, timeout_s: float) -> Event | None:
        """The next frame, or the sound that came since the one before it; None once closed."""
        if not self._due and self._clock.wait_until_ns(self.origin_ns + self._spec.tick_ns(self._tick), self._stop):
            self._due.extend(self._events(self._tick))
            self._tick += 1
        return self._due.popleft() if self._due and not self._stop.is_set() else None

    def close(self) -> None:
        self._stop.set()

    @property
    def _spec(self) -> WindowSpec:
        return self._recording.spec

    def _events(self, tick: int) -> list[Event]:
        """What is there at the tick: the sound up to it, and its frame."""
        recording, spec = self._recording, self._spec
        frame = Frame(tick, spec.tick_ns(tick), recording.frames[tick % recording.ticks])
        if recording.sound is None or tick == 0:
            return [frame]
        start, end = ((t * spec.audio_rate_hz) // spec.frame_rate_hz for t in (tick - 1, tick))
        at = start % len(recording.sound)
        return [AudioBlock(start, recording.sound[at : at + end - start]), frame]


def _decoded(clip: Path, spec: WindowSpec, ticks: int) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    frames: list[NDArray[np.uint8]] = []
    blocks: list[NDArray[np.float32]] = []
    source, rings = ReplaySource(clip, spec), Rings(spec)
    source.open()
    try:
        while len(frames) < ticks and not rings.video_ended:
            event = source.read(timeout_s=0)
            if isinstance(event, Frame):
                frames.append(event.image)
            elif isinstance(event, AudioBlock):
                blocks.append(event.samples)
            rings.video_ended = isinstance(event, VideoEnd)
    finally:
        source.close()
    return frames, blocks
