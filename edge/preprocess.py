"""Preprocessing shared by training, calibration and the runtime: frame size, the 30 fps grid, mono 16 kHz sound."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

from edge.contract import NS_PER_S, WindowSpec

FRESH_NS = 250_000_000
"""A frame held on the grid for longer than this no longer counts as sight (0.25 s)."""

TIE_NS = 1_000_000
"""Frames up to 1 ms after the middle of two ticks still belong to the earlier one: containers round times to as much as
1 ms, and so a 60 fps clip keeps exactly its even frames, those that lie on the ticks."""


def resize_crop(rgb: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Scale the short side to `size_px` (bilinear, half-pixel centres, no antialias) and crop the centre square.

    rgb: uint8 [H, W, 3]. Returns uint8 [size_px, size_px, 3], contiguous.
    The long side is floor(ratio * size_px) and the crop starts at round((length - size_px) / 2), as in Ego4D's
    feature extraction (pytorchvideo `short_side_scale`, torchvision `center_crop`).
    """
    height, width = rgb.shape[:2]
    short = min(height, width)
    new_height, new_width = height * size_px // short, width * size_px // short
    if (new_height, new_width) != (height, width):
        rgb = cv2.resize(rgb, (new_width, new_height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    top, left = round((new_height - size_px) / 2), round((new_width - size_px) / 2)
    return np.ascontiguousarray(rgb[top : top + size_px, left : left + size_px])


def nearest_tick(t_ns: int, frame_rate_hz: int) -> int:
    """Grid tick nearest to stream time `t_ns`: floor(t * rate + 1/2), ties (within TIE_NS) to the earlier tick."""
    return (2 * frame_rate_hz * (t_ns - TIE_NS) + NS_PER_S) // (2 * NS_PER_S)


def is_fresh(tick: int, t_ns: int, spec: WindowSpec) -> bool:
    """Whether a frame of stream time `t_ns` still counts as sight at grid tick `tick`."""
    return spec.tick_ns(tick) - t_ns <= FRESH_NS


class GridSampler:
    """Causal mapping from presentation times to the frame grid.

    Every tick from 0 on is filled exactly once: by the first frame that is nearest to it, else by the frame before.
    """

    def __init__(self, spec: WindowSpec) -> None:
        self._spec = spec
        self._t0_ns: int | None = None
        self._held_ns = 0
        self.ticks = 0
        """Ticks filled so far."""

    def push(self, t_ns: int) -> list[tuple[int, bool]]:
        """Take the time of the next frame; the first frame defines tick 0.

        Returns (tick, fresh) of the ticks that this frame settles, in order: all but the last show the frame that was
        needed before (held), the last shows this one. Empty when the frame is not needed: do not convert it then.
        """
        if self._t0_ns is None:
            self._t0_ns = t_ns
        stream_ns = t_ns - self._t0_ns
        tick = max(0, nearest_tick(stream_ns, self._spec.frame_rate_hz))
        if tick < self.ticks:
            return []
        settled = [(held, is_fresh(held, self._held_ns, self._spec)) for held in range(self.ticks, tick)]
        settled.append((tick, True))
        self.ticks = tick + 1
        self._held_ns = stream_ns
        return settled


def mono_float32(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Mean over channels as float32 in [-1, 1]. samples: [n] or [n, channels], floating point or integer PCM."""
    if samples.dtype.kind == "u":
        middle = float(np.iinfo(samples.dtype).max // 2 + 1)
        scaled = ((samples.astype(np.float64) - middle) / middle).astype(np.float32)
    elif samples.dtype.kind == "i":
        scaled = samples.astype(np.float32) / np.float32(-float(np.iinfo(samples.dtype).min))
    else:
        scaled = samples.astype(np.float32, copy=False)
    return scaled if scaled.ndim == 1 else scaled.mean(axis=1, dtype=np.float32)


class MonoResampler:
    """Any channel count and rate -> mono float32 at `out_rate_hz`, band limited, with state between blocks (soxr HQ).

    All blocks together give exactly round(n * out / in) samples once `flush` was called, whatever the block sizes.
    """

    def __init__(self, in_rate_hz: int, out_rate_hz: int = 16_000) -> None:
        self.in_rate_hz = in_rate_hz
        self.out_rate_hz = out_rate_hz
        self._stream = (
            None if in_rate_hz == out_rate_hz else soxr.ResampleStream(in_rate_hz, out_rate_hz, 1, dtype="float32")
        )
        self._in_samples = 0
        self._out_samples = 0

    @property
    def total_samples(self) -> int:
        """Samples that all input so far is worth at the output rate."""
        return (2 * self._in_samples * self.out_rate_hz + self.in_rate_hz) // (2 * self.in_rate_hz)

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """samples: [n] or [n, channels]. Returns float32 [m]: what is ready (the filter holds some ms back)."""
        mono = mono_float32(samples)
        self._in_samples += len(mono)
        ready = mono if self._stream is None else self._stream.resample_chunk(np.ascontiguousarray(mono))
        self._out_samples += len(ready)
        return ready

    def flush(self) -> NDArray[np.float32]:
        """The last samples, float32 [m]; nothing may be pushed afterwards."""
        missing = self.total_samples - self._out_samples
        tail = np.zeros(missing, np.float32)
        if self._stream is not None:
            rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)[:missing]
            tail[: len(rest)] = rest
        self._out_samples += missing
        return tail
