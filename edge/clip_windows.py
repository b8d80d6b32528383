"""The windows of a recorded clip, one after the other, as the pipeline would see them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec
from edge.preprocess import resize_crop
from edge.rings import AudioWindow, Rings, VideoWindow
from edge.sources.replay import ReplaySource
from edge.sources.video_track import Convert


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
    with closing(replay_events(clip, spec)) as events:
        yield from windows_of(events, spec)


def replay_events(path: Path, spec: WindowSpec, convert: Convert = resize_crop) -> Generator[Event, None, None]:
    """All events of a recorded clip, as fast as it can be decoded; `convert` makes uint8 [S, S, 3] of each frame.

    Raises:
        SourceError: the clip cannot be opened or read.
    """
    source = ReplaySource(path, spec, pace="fast", convert=convert)
    source.open()
    try:
        ends = 0
        while ends < 2:
            event = source.read(timeout_s=1.0)
            if event is not None:
                ends += isinstance(event, (VideoEnd, AudioEnd))
                yield event
    finally:
        source.close()


def windows_of(events: Iterable[Event], spec: WindowSpec) -> Iterator[ClipWindow]:
    """Cut a stream into rows (WindowSpec.row_starts), each given out once its frames and its sound have come.

    Keeps as much of the stream as the runtime's rings hold, however long the clip is.
    """
    rings = Rings(spec)
    next_start = 0
    for event in events:
        if isinstance(event, Frame):
            rings.video.put(event)
        elif isinstance(event, AudioBlock):
            rings.audio.put(event)
        elif isinstance(event, VideoEnd):
            rings.video_ended = True
        elif isinstance(event, AudioEnd):
            rings.audio_ended = True
        while next_start + spec.row_frames <= rings.video.next_tick and rings.ready(next_start):
            yield _window(rings, spec, next_start)
            next_start += spec.hop_frames
    # What is left: the row that ends on the last frame, or the only row of a stream shorter than a row.
    last_start = next_start - spec.hop_frames
    for start in spec.row_starts(rings.video.next_tick):
        if start > last_start:
            yield _window(rings, spec, start)


def _window(rings: Rings, spec: WindowSpec, start_tick: int) -> ClipWindow:
    end = rings.audio_end_sample(start_tick)
    return ClipWindow(start_tick, rings.video.row(start_tick), rings.audio.window(end, spec.clip_audio_samples))
