"""Preallocated rings between capture and inference, addressed by the stream's own axes (grid ticks, samples).

A ring lies on the heap (replay: one process) or in memory that processes share (live); the code is one. There is one
writer. The writer of a replay waits for room; a live writer overwrites the oldest.

Why a reader in another process sees whole frames, on ARM too, where stores of one core may reach another out of order:

1. What was announced is complete. The writer stores a slot and then announces it through a pipe; the reader reads the
   pipe and then the slot, and looks at nothing that was not announced. Both pass through the kernel's lock of the pipe,
   which orders memory on every processor. The reader's `next_tick` and `next_sample` are what was announced; those in
   the shared head serve only the successor of a writer that died.
2. What is overwritten is noticed. The writer takes the mark off a slot before it overwrites it, and the reader looks at
   the marks again after it copied. On x86 stores and loads keep their order. On ARM a mark could come nanoseconds
   late, which matters only to a reader that touches a slot at the very moment when the writer comes round to it: rows
   are read within a second, the ring is seconds long, and whoever slept so long finds marks that are old.
"""

from __future__ import annotations

import threading

from edge.audio_ring import AudioRing, AudioWindow
from edge.contract import (
    AudioBlock,
    AudioEnd,
    Event,
    Frame,
    FramesStored,
    Modality,
    SensorAway,
    SoundStored,
    VideoEnd,
    WindowSpec,
)
from edge.video_ring import VideoRing, VideoWindow

__all__ = ["AudioRing", "AudioWindow", "Rings", "VideoRing", "VideoWindow"]


class Rings:
    """Both rings of one stream, their ends, and the condition on which writer and reader wait."""

    def __init__(
        self, spec: WindowSpec, seconds: float = 8.0, video: VideoRing | None = None, audio: AudioRing | None = None
    ) -> None:
        self.spec = spec
        self.video = video or VideoRing(spec, int(seconds * spec.frame_rate_hz))
        self.audio = audio or AudioRing(int(seconds * spec.audio_rate_hz))
        self.changed = threading.Condition()
        self.video_ended = False
        self.audio_ended = False
        self.away: set[Modality] = set()
        """Live sensors from which nothing comes for now."""
        self.sound_delay_samples = 0
        """The microphone's sound lies this much later on the axis than the camera's picture of the same moment."""
        self.oldest_needed_tick = 0
        """The reader still wants this tick; a writer that waits never overwrites it."""

    def store(self, event: Event) -> None:
        """Take what a source gave, and wake whoever waits for it."""
        if isinstance(event, Frame):
            self.video.put(event)
        elif isinstance(event, AudioBlock):
            self.audio.put(event)
        with self.changed:
            if isinstance(event, FramesStored):
                self.video.announced(event.next_tick, event.frames)
                self.away.discard("video")
            elif isinstance(event, SoundStored):
                self.audio.announced(event.next_sample)
                self.away.discard("audio")
            elif isinstance(event, SensorAway):
                self.away.add(event.modality)
            elif isinstance(event, VideoEnd):
                self.video_ended = True
            elif isinstance(event, AudioEnd):
                self.audio_ended = True
            self.changed.notify_all()

    def audio_end_sample(self, start_tick: int) -> int:
        """The sample before which the audio window of the clip ends whose newest row starts at `start_tick`."""
        end = (start_tick + self.spec.row_frames) * self.spec.audio_rate_hz // self.spec.frame_rate_hz
        return end + self.sound_delay_samples

    def would_overwrite(self, event: Event) -> bool:
        """Whether storing `event` now would overwrite a frame or sample that the reader still needs."""
        if isinstance(event, Frame):
            return event.tick - self.oldest_needed_tick >= self.video.capacity_ticks
        if isinstance(event, AudioBlock):
            end = event.start_sample + len(event.samples)
            needed = self.audio_end_sample(self.oldest_needed_tick) - self.spec.clip_audio_samples
            return end - max(0, needed) > self.audio.capacity_samples
        return False

    def ready(self, start_tick: int) -> bool:
        """Whether the row at `start_tick` and the sound of its clip are there, or will not come."""
        seen = self.no_video or self.video.next_tick >= start_tick + self.spec.row_frames
        return seen and (self.no_audio or self.audio.next_sample >= self.audio_end_sample(start_tick))

    @property
    def no_video(self) -> bool:
        return self.video_ended or "video" in self.away

    @property
    def no_audio(self) -> bool:
        return self.audio_ended or "audio" in self.away
