"""A clip as a camera and a microphone give it: raw frames and sound, decoded beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, Frame, VideoEnd, WindowSpec
from edge.errors import SourceError
from edge.sources.replay import ReplaySource


class RawClip:
    """Frames uint8 [T, H, W, 3] on the 30 fps grid as a camera gives them, and 16 kHz sound float32 [n]; both loop."""

    def __init__(self, clip: Path, spec: WindowSpec, seconds: float) -> None:
        """Decode the first seconds.

        Raises:
            SourceError: the clip cannot be read, is shorter than that, or has no sound.
        """
        frames, blocks = _decoded(clip, spec, round(seconds * spec.frame_rate_hz))
        length = len(frames) * spec.audio_rate_hz // spec.frame_rate_hz
        sound = np.concatenate([*blocks, np.zeros(0, np.float32)])
        if len(frames) < seconds * spec.frame_rate_hz or not len(sound):
            raise SourceError(f"{clip}: needs {seconds:g} s of video with sound")
        self.spec = spec
        self.frames: NDArray[np.uint8] = np.stack(frames)
        self.sound: NDArray[np.float32] = np.resize(sound, length)

    def frame(self, tick: int) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]"""
        return self.frames[tick % len(self.frames)]

    def waveform(self, start_tick: int) -> NDArray[np.float32]:
        """Sound of the live clip whose newest row starts at `start_tick`, float32 [clip_audio_samples]."""
        spec = self.spec
        end = (start_tick + spec.row_frames) * spec.audio_rate_hz // spec.frame_rate_hz
        return self.sound.take(np.arange(end - spec.clip_audio_samples, end), mode="wrap")


def _decoded(clip: Path, spec: WindowSpec, ticks: int) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.float32]]]:
    frames: list[NDArray[np.uint8]] = []
    blocks: list[NDArray[np.float32]] = []
    source = ReplaySource(clip, spec, convert=lambda rgb, size_px: rgb)
    source.open()
    try:
        while len(frames) < ticks:
            event = source.read(timeout_s=0)
            if isinstance(event, Frame):
                frames.append(event.image)
            elif isinstance(event, AudioBlock):
                blocks.append(event.samples)
            elif isinstance(event, VideoEnd):
                break
    finally:
        source.close()
    return frames, blocks
