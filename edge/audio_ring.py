"""The ring of sound, by sample. How it is shared between processes: `edge/rings.py`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock
from edge.video_ring import Memory

_HEAD_BYTES = 64


class AudioWindow(NamedTuple):
    """Consecutive samples that end where the clip ends."""

    samples: NDArray[np.float32]
    """float32 [n] in [-1, 1]; zeros where nothing was heard."""
    coverage: float
    """Share of the samples that a microphone or a track delivered (0..1)."""
    heard_until: int
    """Sample before which the last heard one lies; the start of the window when nothing was heard."""


class AudioRing:
    """The newest `capacity` mono samples at 16 kHz, with a flag a sample that says whether it was really heard."""

    def __init__(self, capacity_samples: int, memory: Memory | None = None) -> None:
        if memory is None:
            memory = np.zeros(self.size_bytes(capacity_samples), np.uint8)
        first_flag = _HEAD_BYTES + 4 * capacity_samples
        self._head = memory[:_HEAD_BYTES].view(np.int64)
        self._samples = memory[_HEAD_BYTES:first_flag].view(np.float32)
        self._heard = memory[first_flag : first_flag + capacity_samples].view(np.bool_)
        self.next_sample = int(self._head[0])
        """Samples below this index have been written or skipped."""

    @staticmethod
    def size_bytes(capacity_samples: int) -> int:
        """Bytes of memory that a ring takes."""
        return _HEAD_BYTES + 5 * capacity_samples

    @property
    def capacity_samples(self) -> int:
        return len(self._samples)

    def put(self, block: AudioBlock) -> None:
        """Store a block; a gap before it is filled with unheard zeros, samples already written are kept."""
        start, samples = block.start_sample, block.samples
        if start < self.next_sample:
            samples = samples[self.next_sample - start :]
            start = self.next_sample
        # The second number of the head marks what is being overwritten, as the marks of the video ring do.
        self._head[1] = max(self.next_sample, start + len(samples))
        if start > self.next_sample:
            gap = min(start - self.next_sample, self.capacity_samples)
            self._write(start - gap, np.zeros(gap, np.float32), False)
        self._write(start, samples, block.heard)
        self.announced(max(self.next_sample, start + len(samples)))
        self._head[0] = self.next_sample

    def announced(self, next_sample: int) -> None:
        """The reader's side of `put`: the writer said that it has come so far."""
        self.next_sample = next_sample

    def _write(self, start: int, samples: NDArray[np.float32], heard: bool) -> None:
        skipped = max(0, len(samples) - self.capacity_samples)
        slots = (start + np.arange(skipped, len(samples))) % self.capacity_samples
        self._samples[slots] = samples[skipped:]
        self._heard[slots] = heard

    def window(self, end_sample: int, length_samples: int) -> AudioWindow:
        """`length_samples` samples that end before `end_sample`; zeros before the stream and after its end."""
        index = np.arange(end_sample - length_samples, end_sample)
        samples, heard = self._copy(index)
        last = np.flatnonzero(heard)[-1:]
        heard_until = int(index[last[0]]) + 1 if len(last) else end_sample - length_samples
        return AudioWindow(np.where(heard, samples, 0).astype(np.float32), float(heard.mean()), heard_until)

    def heard_blocks(self, start: int, end: int) -> list[AudioBlock]:
        """Copies of the heard samples of [start, end), one block a stretch without a gap, in order."""
        samples, heard = self._copy(np.arange(start, end))
        edges = np.flatnonzero(np.diff(np.concatenate(([False], heard, [False]))))
        return [AudioBlock(start + int(a), samples[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def _copy(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Samples at these places of the axis, and whether they are there and were heard: looked at after the copy."""
        slots = index % self.capacity_samples
        samples, heard = self._samples[slots], self._heard[slots]
        oldest = max(0, self.next_sample, int(self._head[1])) - self.capacity_samples
        return samples, heard & (index >= max(0, oldest)) & (index < self.next_sample)
