"""Where the features of clips lie: row numbers into arrays that stay on disk or in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.errors import DatasetError

FeatureArray = NDArray[Any]
"""float32 [R, W], or uint8 [R, 4 W]: the same little-endian floats as bytes, which may start at any byte of a file."""


def row_width(values: FeatureArray) -> int:
    """W."""
    return values.shape[1] // 4 if values.dtype == np.uint8 else values.shape[1]


def take_rows(values: FeatureArray, rows: NDArray[np.integer] | slice) -> NDArray[np.float32]:
    """The rows `rows` (any shape [...]): float32 [..., W], a copy in memory unless they are a slice."""
    taken = values[rows]
    return taken.view("<f4") if taken.dtype == np.uint8 else taken


@dataclass(frozen=True)
class VideoRows:
    """Appearance and motion of n clips."""

    appearance: FeatureArray
    """[R, A]"""
    motion: FeatureArray
    """[R, M]; the same rows as appearance."""
    rows: NDArray[np.int64]
    """int64 [n, 3], rows of each clip in time order."""

    def __post_init__(self) -> None:
        _require_rows("video", self.rows, min(len(self.appearance), len(self.motion)))

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> VideoRows:
        return replace(self, rows=self.rows[chosen])


@dataclass(frozen=True)
class AudioRows:
    """Audio of n clips: a weighted sum of rows."""

    values: FeatureArray
    """[Q, D]"""
    rows: NDArray[np.int64]
    """int64 [n, k]"""
    weights: NDArray[np.float32]
    """float32 [n, k]; those of a clip sum to 1, or are all 0 where there is no sound."""

    def __post_init__(self) -> None:
        _require_rows("audio", self.rows, len(self.values))
        if self.weights.shape != self.rows.shape:
            raise DatasetError(f"audio weights have shape {self.weights.shape}, expected {self.rows.shape}")

    @property
    def heard(self) -> NDArray[np.bool_]:
        """bool [n], whether the clip has sound."""
        return np.asarray(self.weights.any(axis=1))

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> AudioRows:
        return replace(self, rows=self.rows[chosen], weights=self.weights[chosen])


def silence(count: int, width: int) -> AudioRows:
    """Audio of `count` clips without sound: zeros of the given width."""
    return AudioRows(np.zeros((1, width), np.float32), np.zeros((count, 1), np.int64), np.zeros((count, 1), np.float32))


def _require_rows(kind: str, rows: NDArray[np.int64], available: int) -> None:
    """Checked once here, so that batches need no check."""
    if rows.ndim != 2 or (rows.size and (rows.min() < 0 or rows.max() >= available)):
        raise DatasetError(f"{kind} rows {rows.shape} do not fit features of {available} rows; extract them again")
