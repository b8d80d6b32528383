"""The rows of a recorded clip with the sound that belongs to each: what the frozen backbones are fed.

Frames and samples come from the runtime's own source and rings, so training sees exactly what the device sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.clip_windows import windows_of
from edge.contract import Event, WindowSpec


class RowInput(NamedTuple):
    """One row of frames and the live clip's sound that ends where the row ends."""

    start_tick: int
    frames: NDArray[Any]
    """RGB uint8 [32, S, S, 3]; from `float_rows` normalised float32 [3, 32, S, S]."""
    samples: NDArray[np.float32]
    """float32 [34133] at 16 kHz; zeros before the stream's start and where there was no sound."""
    audio_coverage: float
    """Share of the samples that the clip's track delivered (0..1)."""


def row_inputs(events: Iterable[Event], spec: WindowSpec) -> Iterator[RowInput]:
    """The windows of a stream (`edge.clip_windows.windows_of`) as the backbones take them."""
    for window in windows_of(events, spec):
        yield RowInput(window.start_tick, window.video.frames, window.audio.samples, window.audio.coverage)
