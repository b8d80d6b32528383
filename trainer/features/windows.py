"""The rows of a recorded clip with the sound that belongs to each: what the frozen backbones are fed.

Frames and samples come from the runtime's own source and rings, so training sees exactly what the device sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec
from edge.preprocess import resize_crop
from edge.rings import Rings
from edge.sources.replay import ReplaySource
from edge.sources.video_track import Convert


class RowInput(NamedTuple):
    """One row of frames and the live clip's sound that ends where the row ends."""

    start_tick: int
    frames: NDArray[Any]
    """RGB uint8 [32, S, S, 3]; from `float_rows` normalised float32 [3, 32, S, S]."""
    samples: NDArray[np.float32]
    """float32 [34133] at 16 kHz; zeros before the stream's start and where there was no sound."""
    audio_coverage: float
    """Share of the samples that the clip's track delivered (0..1)."""


def replay_events(path: Path, spec: WindowSpec, convert: Convert = resize_crop) -> Iterator[Event]:
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


def row_inputs(events: Iterable[Event], spec: WindowSpec) -> Iterator[RowInput]:
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
            yield _row(rings, next_start, spec)
            next_start += spec.hop_frames
    # What is left: the row that ends on the last frame, or the only row of a stream shorter than a row.
    last_start = next_start - spec.hop_frames
    for start in spec.row_starts(rings.video.next_tick):
        if start > last_start:
            yield _row(rings, start, spec)


def _row(rings: Rings, start_tick: int, spec: WindowSpec) -> RowInput:
    sound = rings.audio.window(rings.audio_end_sample(start_tick), spec.clip_audio_samples)
    return RowInput(start_tick, rings.video.row(start_tick).frames, sound.samples, sound.coverage)
