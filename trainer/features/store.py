"""The feature store on disk: one growing float32 array a modality and a Parquet index, committed video by video.

    store.json        format version, widths of the modalities, what the features were made with ("spec")
    appearance.f32    float32 [rows, A], row-major, little-endian, no header; likewise motion.f32 and audio.f32
                      and, where scores were asked for, video_scores.f32 and audio_scores.f32
    index/NNNNNN.parquet   one file a video, in the order of the rows

A video exists once its index file does: features are appended first, the index file is renamed into place last. What a
killed run left behind the last committed row is cut off by the next append.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from edge.errors import EgoactError
from edge.json_text import read_json
from edge.whole_file import write_whole_file

FORMAT_VERSION = 1
MODALITIES = ("appearance", "motion", "audio")
INDEX_COLUMNS = ("video", "row", "start_tick", "t_start_s", "audio_coverage")
SCORES = ("video_scores", "audio_scores")
"""Further arrays that a store may have: what the backbones' classifiers say of every row."""


class FeatureStoreError(EgoactError):
    """A feature store is missing, damaged, or was made with something else."""


@dataclass(frozen=True)
class VideoFeatures:
    """All rows of one video, in time order; N rows."""

    start_tick: NDArray[np.int64]
    """int64 [N], first grid tick of every row."""
    t_start_s: NDArray[np.float64]
    """float64 [N], stream time of that tick."""
    appearance: NDArray[np.float32]
    """float32 [N, A]"""
    motion: NDArray[np.float32]
    """float32 [N, M]"""
    audio: NDArray[np.float32]
    """float32 [N, D]: the live clip's window that ends at the row's end, zeros without sound."""
    audio_coverage: NDArray[np.float32]
    """float32 [N], share of that window for which there was sound (0..1)."""
    video_scores: NDArray[np.float32] | None = None
    """float32 [N, classes], softmax of the video classifier; None where it was not asked for."""
    audio_scores: NDArray[np.float32] | None = None
    """float32 [N, classes], sigmoid of the audio classifier, zeros without sound; None where it was not asked for."""


class FeatureStore:
    """A store opened for reading and appending; one writer at a time."""

    def __init__(self, path: Path, widths: dict[str, int], spec: dict[str, Any]) -> None:
        self.path = path
        self.widths = widths
        """Width of every modality."""
        self.spec = spec
        """What the features were made with: JSON values."""
        self._rows_of = self._read_index()

    @classmethod
    def create(cls, path: Path, widths: dict[str, int], spec: dict[str, Any]) -> FeatureStore:
        """Open the store at `path` to append to it, or start it there.

        Args:
            path: folder; made when missing.
            widths: width of each of "appearance", "motion", "audio" (0 leaves one empty) and, where there are scores,
                "video_scores", "audio_scores".
            spec: what the features are made with (window numbers, checksums of weights); JSON values.

        Raises:
            FeatureStoreError: the store there was made with other widths or another spec.
        """
        if (path / "store.json").exists():
            store = cls.open(path)
            if store.widths != widths or store.spec != json.loads(json.dumps(spec)):
                raise FeatureStoreError(f"{path}: holds features of another spec; give a new folder or delete this one")
            return store
        if set(widths) - set(SCORES) != set(MODALITIES):
            raise FeatureStoreError(f"{path}: widths must name {', '.join(MODALITIES)}, got {', '.join(widths)}")
        (path / "index").mkdir(parents=True, exist_ok=True)
        head = {"format_version": FORMAT_VERSION, "widths": widths, "spec": spec}
        write_whole_file(path / "store.json", json.dumps(head, indent=1, sort_keys=True).encode())
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> FeatureStore:
        """Open an existing store.

        Raises:
            FeatureStoreError: there is none, it is damaged, or of a newer format.
        """
        try:
            head = read_json(path / "store.json")
            version, widths, spec = head["format_version"], dict(head["widths"]), dict(head["spec"])
        except FileNotFoundError:
            raise FeatureStoreError(f"{path}: no feature store here (no store.json)") from None
        except (OSError, ValueError, KeyError, TypeError) as problem:
            reason = f"cannot be read ({problem}); extract the features again"
            raise FeatureStoreError(f"{path}/store.json: {reason}") from None
        if version != FORMAT_VERSION:
            raise FeatureStoreError(f"{path}: format {version}, this egoact reads format {FORMAT_VERSION}")
        if not set(MODALITIES) <= set(widths) or not all(type(w) is int and 0 <= w < 1 << 20 for w in widths.values()):
            raise FeatureStoreError(f"{path}/store.json: widths are {widths}; extract the features again")
        return cls(path, widths, spec)

    @property
    def videos(self) -> tuple[str, ...]:
        """Names of the committed videos, in the order of their rows."""
        return tuple(self._rows_of)

    @property
    def rows(self) -> int:
        """Number of committed rows."""
        return sum(count for _, _, count in self._rows_of.values())

    def append(self, video: str, features: VideoFeatures) -> None:
        """Add one video; it is there when this returns, and not there at all when it is interrupted.

        Raises:
            FeatureStoreError: the video is there already, or a modality has the wrong shape or is not finite.
            OSError: the disk is full or cannot be written; the videos before stay.
        """
        if video in self._rows_of:
            raise FeatureStoreError(f"{self.path}: {video} is already in the store")
        count, first = len(features.start_tick), self.rows
        for name in (*MODALITIES, *(name for name in SCORES if name in self.widths)):
            values = np.ascontiguousarray(getattr(features, name), dtype="<f4")
            if values.shape != (count, self.widths[name]):
                expected = (count, self.widths[name])
                raise FeatureStoreError(f"{self.path}: {video}: {name} has shape {values.shape}, expected {expected}")
            if not np.isfinite(values).all():
                raise FeatureStoreError(f"{self.path}: {video}: {name} holds NaN or infinity")
            self.array(name)  # raises when committed rows are missing
            _append(self._array_path(name), first * self.widths[name] * 4, values)
        table = pa.table(
            {
                "video": pa.array([video] * count, pa.string()),
                "row": np.arange(first, first + count, dtype=np.int64),
                "start_tick": np.asarray(features.start_tick, np.int64),
                "t_start_s": np.asarray(features.t_start_s, np.float64),
                "audio_coverage": np.asarray(features.audio_coverage, np.float32),
            },
            metadata={"video": video},
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_whole_file(self.path / "index" / f"{len(self._rows_of):06d}.parquet", sink.getvalue().to_pybytes())
        self._rows_of[video] = (len(self._rows_of), first, count)

    def array(self, modality: str) -> NDArray[np.float32]:
        """All committed rows of a modality as a read-only memory map: float32 [rows, width].

        Raises:
            FeatureStoreError: the array on disk is shorter than the index says.
        """
        path, width, rows = self._array_path(modality), self.widths[modality], self.rows
        if rows * width == 0:  # an empty file cannot be mapped
            return np.zeros((rows, width), np.float32)
        if not path.exists() or path.stat().st_size < rows * width * 4:
            raise FeatureStoreError(f"{path}: shorter than its index; extract the features again")
        return np.memmap(path, "<f4", "r", shape=(rows, width))

    def video(self, name: str) -> VideoFeatures:
        """The rows of one video; the features are views of the memory maps.

        Raises:
            FeatureStoreError: no such video.
        """
        if name not in self._rows_of:
            raise FeatureStoreError(f"{self.path}: no features of {name}; extract them first")
        number, first, count = self._rows_of[name]
        part = _table(self._part_path(number))
        rows = slice(first, first + count)
        return VideoFeatures(
            part["start_tick"].to_numpy(),
            part["t_start_s"].to_numpy(),
            self.array("appearance")[rows],
            self.array("motion")[rows],
            self.array("audio")[rows],
            part["audio_coverage"].to_numpy(),
            *(self.array(name)[rows] if name in self.widths else None for name in SCORES),
        )

    def index(self) -> pa.Table:
        """The whole index: video, row, start_tick, t_start_s, audio_coverage; one line a row of the arrays."""
        parts = [_table(self._part_path(i)).replace_schema_metadata() for i in range(len(self._rows_of))]
        return pa.concat_tables(parts) if parts else pa.table({})

    def _read_index(self) -> dict[str, tuple[int, int, int]]:
        rows_of: dict[str, tuple[int, int, int]] = {}
        first = 0
        for number, part in enumerate(sorted((self.path / "index").glob("*.parquet"))):
            try:
                head = pq.read_metadata(part)
                name, count = (head.metadata or {})[b"video"].decode(), int(head.num_rows)
            except (OSError, KeyError, ValueError, pa.ArrowException) as problem:
                reason = " ".join(str(problem).split())[:120]
                raise FeatureStoreError(f"{part}: damaged ({reason}); extract the features again") from None
            if part != self._part_path(number):
                raise FeatureStoreError(f"{self._part_path(number)}: missing; extract the features again")
            rows_of[name] = (number, first, count)
            first += count
        return rows_of

    def _array_path(self, modality: str) -> Path:
        return self.path / f"{modality}.f32"

    def _part_path(self, number: int) -> Path:
        return self.path / "index" / f"{number:06d}.parquet"


def _table(part: Path) -> pa.Table:
    try:
        table = pq.read_table(part)
        missing = [name for name in INDEX_COLUMNS if name not in table.column_names]
        if missing:
            raise KeyError(missing[0])
        return table
    except (OSError, KeyError, ValueError, pa.ArrowException) as problem:
        reason = " ".join(str(problem).split())[:120]
        raise FeatureStoreError(f"{part}: damaged ({reason}); extract the features again") from None


def _append(path: Path, committed_bytes: int, values: NDArray[np.float32]) -> None:
    """Write `values` behind the first `committed_bytes`, in place of what a killed run left there."""
    with open(path, "ab", buffering=0) as file:
        file.truncate(committed_bytes)
        try:
            left = values.data.cast("B") if values.size else b""
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(committed_bytes)  # gives the room back
            raise
