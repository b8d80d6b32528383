"""The sound of a recorded clip as mono blocks at the contract's rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, AudioBlock, AudioEnd, WindowSpec
from edge.sources.audio_axis import AudioAxis, Run
from edge.sources.container import Damage, damage_note, decode, open_container, pts_ns, rewind

BLOCK_S = 0.02
"""Length of an audio block."""

_SILENCE_PEAK = 1 / 32768
"""A track that never exceeds one step of 16-bit sound is silent."""


class AudioTrack:
    """Decodes the first audio stream of a file that can be decoded; a file without one is no error.

    `video_start_ns` is stream time 0 on the file's own time axis.
    """

    def __init__(self, path: Path, spec: WindowSpec, video_start_ns: int) -> None:
        self._spec = spec
        self._video_start_ns = video_start_ns
        self._container = open_container(path)
        self._damage = Damage()
        self._stream, self._frames = self._open_stream()
        self._time_base = Fraction(1) if self._stream is None else self._stream.time_base
        self.missing_reason = self._missing_reason()
        """Why there is no sound at all; None when there is some."""
        self._peak = 0.0
        self.end_ns = 0
        """Stream time reached so far."""
        self._finished = False

    def _open_stream(self) -> tuple[Any, Iterator[Any]]:
        for stream in self._container.streams.audio:
            if stream.codec_context is None:
                continue
            damage = Damage()
            frames = decode(self._container, stream, damage)
            first = next(frames, None)
            if first is not None:
                self._damage = damage
                return stream, chain([first], frames)
            rewind(self._container)
        return None, iter(())

    def _missing_reason(self) -> str | None:
        if self._stream is not None:
            return None
        return "the audio track cannot be decoded" if self._container.streams.audio else "no audio track"

    def events(self) -> Iterator[tuple[int, AudioBlock | AudioEnd]]:
        """(due time in ns of stream time, event) in time order; `AudioEnd` is the last."""
        if self.missing_reason is not None:
            yield -1, AudioEnd(self.missing_reason)
            return
        block_samples = round(BLOCK_S * self._spec.audio_rate_hz)
        pending, heard, start = np.zeros(0, np.float32), True, 0
        for run in self._placed():
            if run.heard != heard:
                if len(pending):
                    yield self._block(start, pending, heard)
                start, pending, heard = start + len(pending), run.samples, run.heard
            else:
                pending = np.concatenate([pending, run.samples])
            while len(pending) >= block_samples:
                yield self._block(start, pending[:block_samples], heard)
                start, pending = start + block_samples, pending[block_samples:]
        if len(pending):
            yield self._block(start, pending, heard)
        self._finished = True
        yield self.end_ns, AudioEnd("end")

    def _block(self, start: int, samples: NDArray[np.float32], heard: bool) -> tuple[int, AudioBlock]:
        self.end_ns = (start + len(samples)) * NS_PER_S // self._spec.audio_rate_hz
        return self.end_ns, AudioBlock(start, samples, heard)

    def _placed(self) -> Iterator[Run]:
        """Consecutive samples of the stream's axis, from its sample 0 on."""
        axis = AudioAxis(self._spec.audio_rate_hz)
        for frame in self._frames:
            t_ns = None if frame.pts is None else pts_ns(frame.pts, self._time_base) - self._video_start_ns
            for run in axis.push(t_ns, _channels_last(frame), frame.sample_rate):
                self._peak = max(self._peak, float(np.abs(run.samples).max(initial=0.0)))
                if len(run.samples):
                    yield run
        yield axis.flush()

    def notes(self) -> list[str]:
        """What the user should know so far."""
        notes = [] if self.missing_reason is None else [self.missing_reason]
        if self._finished and self._peak <= _SILENCE_PEAK:
            notes.append("the audio track is silent")
        return notes + damage_note(self._damage, "audio")

    def close(self) -> None:
        self._container.close()


def _channels_last(frame: Any) -> NDArray[Any]:
    """Samples of a decoded audio frame as [n, channels]."""
    samples: NDArray[Any] = frame.to_ndarray()
    if frame.format.is_planar:
        return samples.T
    return samples.reshape(-1, len(frame.layout.channels))
