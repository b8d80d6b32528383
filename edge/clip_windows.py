"""The windows of a recorded clip, one after the other, as the pipeline would see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge.contract import AudioBlock, AudioEnd, Frame, VideoEnd, WindowSpec
from edge.rings import AudioWindow, Rings, VideoWindow
from edge.sources.replay import ReplaySource


class ClipWindow(NamedTuple):
    """One row of frames and the sound of the live clip that ends with it."""

    start_tick: int
    video: VideoWindow
    """frames uint8 [row_frames, S, S, 3]"""
    audio: AudioWindow
    """samples float32 [clip_audio_samples]"""


def clip_windows(clip: Path, spec: WindowSpec) -> Iterator[ClipWindow]:
    """Every row of a clip, in one thread, through the source and the rings of the runtime; memory is that of the rings.

    Raises:
        SourceError: the clip cannot be opened, or holds no video that decodes.
    """
    source, rings = ReplaySource(clip, spec), Rings(spec)
    source.open()
    try:
        start_tick, last_start = 0, -1
        while not (rings.video_ended and rings.audio_ended):
            _store(rings, source)
            while rings.ready(start_tick) and rings.video.next_tick >= start_tick + spec.row_frames:
                yield _window(rings, spec, start_tick)
                last_start, start_tick = start_tick, start_tick + spec.hop_frames
        for left in spec.row_starts(rings.video.next_tick):
            if left > last_start:
                yield _window(rings, spec, left)
    finally:
        source.close()


def _store(rings: Rings, source: ReplaySource) -> None:
    event = source.read(timeout_s=0)
    if isinstance(event, Frame):
        rings.video.put(event)
    elif isinstance(event, AudioBlock):
        rings.audio.put(event)
    rings.video_ended |= isinstance(event, VideoEnd)
    rings.audio_ended |= isinstance(event, AudioEnd)


def _window(rings: Rings, spec: WindowSpec, start_tick: int) -> ClipWindow:
    end = rings.audio_end_sample(start_tick)
    return ClipWindow(start_tick, rings.video.row(start_tick), rings.audio.window(end, spec.clip_audio_samples))
