"""The ring of frames: one slot a tick of the grid. How it is shared between processes: `edge/rings.py`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.contract import Frame, WindowSpec

Memory = NDArray[np.uint8]
"""uint8 [bytes], zeroed when it is new: the heap's, or a shared mapping."""

_HEAD_BYTES = 64
_PAGE_BYTES = 4096


class VideoWindow(NamedTuple):
    """Frames of consecutive grid ticks."""

    frames: NDArray[np.uint8]
    """uint8 [n, S, S, 3], a copy."""
    coverage: float
    """Share of the ticks whose frame is fresh (0..1)."""
    newest_tick: int
    """Newest tick with a frame of its own; the one before the window when there is none."""
    numbers: range
    """Numbers of the frames in the order in which they were stored; empty when there is none."""


class VideoRing:
    """The newest `capacity` frames of the grid, one slot a tick.

    Memory: capacity x S x S x 3 bytes, allocated once (16 s at 256 px: 90 MiB).
    """

    def __init__(self, spec: WindowSpec, capacity_ticks: int, memory: Memory | None = None) -> None:
        if capacity_ticks < spec.row_frames + spec.hop_frames:
            raise ValueError("a video ring must hold at least one row and one hop")
        if memory is None:
            memory = np.zeros(self.size_bytes(spec, capacity_ticks), np.uint8)
        self._spec = spec
        self._head = memory[:_HEAD_BYTES].view(np.int64)
        first = _first_frame_byte(capacity_ticks)
        slots = memory[_HEAD_BYTES : _HEAD_BYTES + 24 * capacity_ticks].view(np.int64).reshape(3, capacity_ticks)
        # The mark of a slot is its tick + 1; 0 says that there is nothing (whole) in it.
        self._marks, self._times_ns, self._numbers = slots
        size_px = spec.frame_size_px
        self._frames = memory[first : first + capacity_ticks * size_px * size_px * 3].reshape(
            capacity_ticks, size_px, size_px, 3
        )
        self.next_tick = int(self._head[0])
        """Ticks below this one have been written, or left out for good."""
        self.frames = int(self._head[1])
        """Frames written so far."""

    @staticmethod
    def size_bytes(spec: WindowSpec, capacity_ticks: int) -> int:
        """Bytes of memory that a ring takes."""
        return _first_frame_byte(capacity_ticks) + capacity_ticks * spec.frame_size_px**2 * 3

    @property
    def capacity_ticks(self) -> int:
        return len(self._marks)

    def put(self, frame: Frame) -> None:
        """Store a frame in the slot of its tick; overwrites what lay there. Ticks must grow."""
        slot = frame.tick % self.capacity_ticks
        self._marks[slot] = 0
        self._frames[slot] = frame.image
        self._times_ns[slot] = frame.t_ns
        self._numbers[slot] = self.frames
        self._marks[slot] = frame.tick + 1
        self.announced(frame.tick + 1, self.frames + 1)
        self._head[:2] = self.next_tick, self.frames

    def announced(self, next_tick: int, frames: int) -> None:
        """The reader's side of `put`: the writer said that it has come so far."""
        self.next_tick, self.frames = next_tick, frames

    def row(self, start_tick: int, max_age_s: float = 0.25) -> VideoWindow:
        """The row that starts at `start_tick`: frames uint8 [row_frames, S, S, 3] and their coverage.

        Ticks without a frame (of a stream shorter than a row, of a camera that was away, overwritten ones) repeat the
        frame before them, or the first one, and count as not covered, as do ticks whose frame is older than
        `max_age_s`.
        """
        ticks = np.arange(start_tick, start_tick + self._spec.row_frames)
        slots = ticks % self.capacity_ticks
        present = self._present(ticks, slots)
        frames = self._frames[slots[_nearest(present)]]
        times_ns, numbers = self._times_ns[slots], self._numbers[slots]
        still = present & self._present(ticks, slots)
        if (present != still).any():
            present, frames = still, frames[_nearest(still)]
        due_ns = np.array([self._spec.tick_ns(int(tick)) for tick in ticks])
        fresh = present & (due_ns - times_ns <= max_age_s * 1e9)
        if not present.any():
            return VideoWindow(np.zeros_like(frames), 0.0, start_tick - 1, range(0))
        mine = numbers[present]
        newest_tick = int(ticks[np.flatnonzero(present)[-1]])
        return VideoWindow(frames, float(fresh.mean()), newest_tick, range(int(mine[0]), int(mine[-1]) + 1))

    def frame(self, tick: int) -> Frame | None:
        """A copy of the frame at `tick`; None when there is none, or no longer."""
        ticks = np.array([tick])
        slots = ticks % self.capacity_ticks
        if not self._present(ticks, slots)[0]:
            return None
        frame = Frame(tick, int(self._times_ns[slots[0]]), self._frames[slots[0]].copy())
        return frame if self._present(ticks, slots)[0] else None

    def newest(self) -> NDArray[np.uint8] | None:
        """A copy of the newest frame, uint8 [S, S, 3]; None before the first."""
        if self.next_tick == 0:
            return None
        return self._frames[(self.next_tick - 1) % self.capacity_ticks].copy()

    def _present(self, ticks: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        return (self._marks[slots] == ticks + 1) & (ticks < self.next_tick)


def _first_frame_byte(capacity_ticks: int) -> int:
    """Frames begin on a page of their own."""
    return -(-(_HEAD_BYTES + 24 * capacity_ticks) // _PAGE_BYTES) * _PAGE_BYTES


def _nearest(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Per position, the newest one at or before it that is present, else the first that is; int64 [n]."""
    newest = np.maximum.accumulate(np.where(present, np.arange(len(present)), 0))
    return np.maximum(newest, int(present.argmax()))
