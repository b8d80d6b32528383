"""Preallocated rings between capture and inference, addressed by the stream's own axes (grid ticks, samples).

One writer and one reader share a condition variable. The writer of a replay waits for room; a live writer overwrites
the oldest and the reader finds out by asking for the oldest tick that is still there.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, Event, Frame, WindowSpec


class VideoWindow(NamedTuple):
    """Frames of consecutive grid ticks."""

    frames: NDArray[np.uint8]
    """uint8 [n, S, S, 3], a copy."""
    coverage: float
    """Share of the ticks whose frame is fresh (0..1)."""


class AudioWindow(NamedTuple):
    """Consecutive samples that end where the clip ends."""

    samples: NDArray[np.float32]
    """float32 [n] in [-1, 1]; zeros where nothing was heard."""
    coverage: float
    """Share of the samples that a microphone or a track delivered (0..1)."""


class VideoRing:
    """The newest `capacity` frames of the grid, one slot a tick.

    Memory: capacity x S x S x 3 bytes, allocated once (16 s at 256 px: 90 MiB).
    """

    def __init__(self, spec: WindowSpec, capacity_ticks: int) -> None:
        if capacity_ticks < spec.row_frames + spec.hop_frames:
            raise ValueError("a video ring must hold at least one row and one hop")
        size_px = spec.frame_size_px
        self._spec = spec
        self._frames = np.zeros((capacity_ticks, size_px, size_px, 3), np.uint8)
        self._ticks = np.full(capacity_ticks, -1, np.int64)
        self._times_ns = np.zeros(capacity_ticks, np.int64)
        self.next_tick = 0
        """Ticks below this one have been written."""

    @property
    def capacity_ticks(self) -> int:
        return len(self._ticks)

    def put(self, frame: Frame) -> None:
        """Store a frame in the slot of its tick; overwrites what lay there."""
        slot = frame.tick % self.capacity_ticks
        self._ticks[slot] = -1
        self._frames[slot] = frame.image
        self._times_ns[slot] = frame.t_ns
        self._ticks[slot] = frame.tick
        self.next_tick = frame.tick + 1

    def row(self, start_tick: int, max_age_s: float = 0.25) -> VideoWindow:
        """The row that starts at `start_tick`: frames uint8 [row_frames, S, S, 3] and their coverage.

        Ticks that were not written (a stream shorter than a row) repeat the newest frame before them and count as not
        covered, as do ticks whose frame is older than `max_age_s`.

        Raises:
            LookupError: the row's first frame is no longer in the ring.
        """
        ticks = np.arange(start_tick, start_tick + self._spec.row_frames)
        slots = ticks % self.capacity_ticks
        present = self._ticks[slots] == ticks
        if not present[0]:
            raise LookupError(f"tick {start_tick} is not in the video ring")
        newest_present = np.maximum.accumulate(np.where(present, np.arange(len(ticks)), 0))
        due_ns = np.array([self._spec.tick_ns(int(tick)) for tick in ticks])
        fresh = present & (due_ns - self._times_ns[slots] <= max_age_s * 1e9)
        return VideoWindow(self._frames[slots[newest_present]], float(fresh.mean()))

    def newest(self) -> NDArray[np.uint8] | None:
        """A copy of the newest frame, uint8 [S, S, 3]; None before the first."""
        if self.next_tick == 0:
            return None
        return self._frames[(self.next_tick - 1) % self.capacity_ticks].copy()


class AudioRing:
    """The newest `capacity` mono samples at 16 kHz, with a flag a sample that says whether it was really heard."""

    def __init__(self, capacity_samples: int) -> None:
        self._samples = np.zeros(capacity_samples, np.float32)
        self._heard = np.zeros(capacity_samples, bool)
        self.next_sample = 0
        """Samples below this index have been written or skipped."""

    @property
    def capacity_samples(self) -> int:
        return len(self._samples)

    def put(self, block: AudioBlock) -> None:
        """Store a block; a gap before it is filled with unheard zeros, samples already written are kept."""
        start, samples = block.start_sample, block.samples
        if start < self.next_sample:
            samples = samples[self.next_sample - start :]
            start = self.next_sample
        if start > self.next_sample:
            self._write(
                self.next_sample, np.zeros(min(start - self.next_sample, self.capacity_samples), np.float32), False
            )
        self._write(start, samples, block.heard)
        self.next_sample = max(self.next_sample, start + len(samples))

    def _write(self, start: int, samples: NDArray[np.float32], heard: bool) -> None:
        samples = samples[-self.capacity_samples :]
        slots = (start + np.arange(len(samples))) % self.capacity_samples
        self._samples[slots] = samples
        self._heard[slots] = heard

    def window(self, end_sample: int, length_samples: int) -> AudioWindow:
        """`length_samples` samples that end before `end_sample`; zeros before the stream and after its end."""
        index = np.arange(end_sample - length_samples, end_sample)
        valid = (index >= max(0, self.next_sample - self.capacity_samples)) & (index < self.next_sample)
        slots = index % self.capacity_samples
        heard = self._heard[slots] & valid
        return AudioWindow(np.where(heard, self._samples[slots], 0).astype(np.float32), float(heard.mean()))


class Rings:
    """Both rings of one stream, their ends, and the condition on which writer and reader wait."""

    def __init__(self, spec: WindowSpec, seconds: float = 8.0) -> None:
        self._spec = spec
        self.video = VideoRing(spec, int(seconds * spec.frame_rate_hz))
        self.audio = AudioRing(int(seconds * spec.audio_rate_hz))
        self.changed = threading.Condition()
        self.video_ended = False
        self.audio_ended = False
        self.oldest_needed_tick = 0
        """The reader still wants this tick; a writer that waits never overwrites it."""

    def audio_end_sample(self, start_tick: int) -> int:
        """The sample before which the audio window of the clip ends whose newest row starts at `start_tick`."""
        return (start_tick + self._spec.row_frames) * self._spec.audio_rate_hz // self._spec.frame_rate_hz

    def would_overwrite(self, event: Event) -> bool:
        """Whether storing `event` now would overwrite a frame or sample that the reader still needs."""
        if isinstance(event, Frame):
            return event.tick - self.oldest_needed_tick >= self.video.capacity_ticks
        if isinstance(event, AudioBlock):
            end = event.start_sample + len(event.samples)
            needed = self.audio_end_sample(self.oldest_needed_tick) - self._spec.clip_audio_samples
            return end - max(0, needed) > self.audio.capacity_samples
        return False

    def ready(self, start_tick: int) -> bool:
        """Whether the row at `start_tick` and the sound of its clip are there, or will never come."""
        video = self.video_ended or self.video.next_tick >= start_tick + self._spec.row_frames
        return video and (self.audio_ended or self.audio.next_sample >= self.audio_end_sample(start_tick))
