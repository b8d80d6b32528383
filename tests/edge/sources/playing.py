"""Play a clip through ReplaySource and keep everything that came out of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, AudioEnd, Event, Frame, VideoEnd, WindowSpec
from edge.sources.replay import ReplaySource

SPEC = WindowSpec(frame_size_px=64)


class Played(NamedTuple):
    """All events of one clip, sorted by kind."""

    events: list[Event]
    frames: list[Frame]
    blocks: list[AudioBlock]
    notes: tuple[str, ...]

    @property
    def sound(self) -> NDArray[np.float32]:
        """All samples, float32 [n]."""
        return np.concatenate([np.zeros(0, np.float32), *(block.samples for block in self.blocks)])

    @property
    def video_end(self) -> VideoEnd:
        (end,) = (event for event in self.events if isinstance(event, VideoEnd))
        return end

    @property
    def audio_end(self) -> AudioEnd:
        (end,) = (event for event in self.events if isinstance(event, AudioEnd))
        return end


def play(path: Path, spec: WindowSpec = SPEC) -> Played:
    """Read the clip to both ends at fast pace, checking what must hold for every clip."""
    source = ReplaySource(path, spec)
    source.open()
    events: list[Event] = []
    while (event := source.read(0.0)) is not None:
        events.append(event)
    notes = source.notes
    source.close()
    played = Played(
        events,
        [event for event in events if isinstance(event, Frame)],
        [event for event in events if isinstance(event, AudioBlock)],
        notes,
    )
    _check_whole(played, spec)
    return played


def _check_whole(played: Played, spec: WindowSpec) -> None:
    """Every tick once and in order, sound without a hole, everything in time order, both ends last of their kind."""
    assert [frame.tick for frame in played.frames] == list(range(played.video_end.ticks))
    expected = 0
    for block in played.blocks:
        assert block.start_sample == expected
        assert block.samples.dtype == np.float32
        assert 0 < len(block.samples) <= spec.audio_rate_hz // 10
        expected += len(block.samples)
    dues = [due_ns(event, spec) for event in played.events if isinstance(event, Frame | AudioBlock)]
    assert dues == sorted(dues)
    kinds = [type(event) for event in played.events]
    assert VideoEnd not in kinds[: len(kinds) - 1 - kinds[::-1].index(Frame)]
    if AudioBlock in kinds:
        assert AudioEnd not in kinds[: len(kinds) - 1 - kinds[::-1].index(AudioBlock)]


def due_ns(event: Frame | AudioBlock, spec: WindowSpec = SPEC) -> int:
    """Stream time at which an event counts: a frame's tick, the end of a block's last sample."""
    if isinstance(event, Frame):
        return spec.tick_ns(event.tick)
    return (event.start_sample + len(event.samples)) * 1_000_000_000 // spec.audio_rate_hz
