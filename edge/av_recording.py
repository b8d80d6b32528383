"""Pictures and sound gathered for the audio-video offset, from live sensors or from a clip."""

from __future__ import annotations

from pathlib import Path

from edge.av_offset import AvOffset, EventKind, av_offset
from edge.av_onsets import PictureTrace, sound_onsets_s
from edge.contract import AudioBlock, AudioEnd, Frame, WindowSpec
from edge.errors import EgoactError
from edge.sources.replay import ReplaySource

SPEC = WindowSpec(frame_size_px=64)
"""Small pictures do: only their brightness and motion are looked at."""


class AvRecording:
    """Frames and sound on one axis of stream time."""

    def __init__(self) -> None:
        self.picture = PictureTrace()
        self._sound: list[AudioBlock] = []

    def add(self, event: Frame | AudioBlock) -> None:
        if isinstance(event, Frame):
            self.picture.add(event)
        elif event.heard:
            self._sound.append(event)

    def offset(self, kind: EventKind, min_pairs: int) -> AvOffset:
        """The offset so far. Raises EgoactError as `av_offset` does, and when a device gave nothing at all."""
        for what, gathered in (("picture", self.picture.frames), ("sound", len(self._sound))):
            if not gathered:
                raise EgoactError(f"there was no {what} at all; 'egoact devices' lists what can be opened")
        seen = self.picture.flashes() if kind == "flash" else self.picture.claps()
        return av_offset(seen, sound_onsets_s(self._sound, SPEC.audio_rate_hz), kind, min_pairs)


def clip_recording(path: Path) -> AvRecording:
    """A recorded clip. Raises SourceError when it cannot be read, EgoactError when it has no sound."""
    recording = AvRecording()
    source = ReplaySource(path, SPEC)
    source.open()
    try:
        while (event := source.read(0.0)) is not None:
            if isinstance(event, Frame | AudioBlock):
                recording.add(event)
            elif isinstance(event, AudioEnd) and event.reason != "end":
                raise EgoactError(f"{path}: {event.reason}; record the clip with sound")
    finally:
        source.close()
    return recording
