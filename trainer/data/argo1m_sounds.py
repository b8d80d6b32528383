"""The sound of ARGO1M's clips through an audio backbone: one row a clip, each over its own extent, as the paper has it.

A feature store holds the sound of live windows of one length; this is the other way, `<name of the CSV>.npy`, float32
[rows of the CSV, width], which training reads with --audio. Zeros are no sound.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.errors import EgoactError
from edge.whole_file import write_whole_file
from trainer.data.argo1m_csv import Argo1mClips
from trainer.data.argo1m_pt import clips_by_video
from trainer.data.errors import DatasetError
from trainer.features.backbones import AudioBackbone
from trainer.features.ego4d import count_ticks
from trainer.features.extract import extract_clip_sounds

MADE_WITH = "made_with.json"
Progress = Callable[[int, int], None]
"""Called with the number of videos done, and in all."""
_CHUNK = 4096


def extract_sounds(
    csv: Path,
    clips: Argo1mClips,
    videos: Mapping[str, Path],
    audio: AudioBackbone,
    made_with: Mapping[str, Any],
    out: Path,
    progress: Progress,
) -> list[str]:
    """Write `out`/<name of the CSV>.npy; returns a line for every video that failed: then the file stays unfinished.

    A run that was killed, or in which videos failed, goes on: rows lie in a file `.npy.part`, NaN where they are still
    to come.

    Args:
        videos: path of every video by its uid.
        audio: a backbone that takes windows of any length.
        made_with: name and checksum of the backbone.

    Raises:
        DatasetError: `out` holds the sound of another backbone.
        OSError: the disk is full or cannot be written.
    """
    _claim(out, made_with)
    finished = out / f"{csv.stem}.npy"
    if finished.exists():
        return []
    failed = []
    with _Rows(finished.with_name(finished.name + ".part"), int(clips.csv_row.max()) + 1, audio.dim) as rows:
        by_video = list(clips_by_video(clips))
        for done, (uid, chosen) in enumerate(by_video, 1):
            chosen = chosen[rows.missing(clips.csv_row[chosen])]
            try:
                if len(chosen):
                    rows.put(clips.csv_row[chosen], _sounds(videos.get(uid), uid, clips, chosen, audio))
            except EgoactError as problem:
                failed.append(str(problem))
            progress(done, len(by_video))
    if not failed:
        os.replace(rows.path, finished)
    return failed


def _claim(out: Path, made_with: Mapping[str, Any]) -> None:
    """One folder holds the sound of one backbone."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / MADE_WITH
    text = json.dumps(made_with, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise DatasetError(f"{out}: holds the sound of another backbone; give a new folder or delete this one")
    write_whole_file(path, text.encode())


def _sounds(
    video: Path | None, uid: str, clips: Argo1mClips, chosen: NDArray[np.int64], audio: AudioBackbone
) -> NDArray[np.float32]:
    """float32 [len(chosen), width]; like the video's features, clips are cut to the rows that the video has."""
    if video is None:
        raise DatasetError(f"{uid}: no video of this name was given; add it and give the command again: it goes on")
    spec = WindowSpec()
    row_starts = spec.row_starts(count_ticks(video, spec))
    spans = np.clip(np.stack([clips.start[chosen], clips.end[chosen]], axis=1), 0, len(row_starts) - 1)
    return extract_clip_sounds(video, _pairs(spans), row_starts, spec, audio).audio


def _pairs(spans: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    return [(int(first), int(last)) for first, last in spans]


class _Rows:
    """A .npy file whose rows are NaN until they are written, in any order."""

    def __init__(self, path: Path, count: int, width: int) -> None:
        self.path, self._shape = path, (count, width)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": self._shape})
        self._header, self._row_bytes = header.getvalue(), 4 * width

    def __enter__(self) -> _Rows:
        whole = len(self._header) + self._shape[0] * self._row_bytes
        if not self.path.exists() or self.path.stat().st_size != whole:
            self._begin()
        self._file = open(self.path, "r+b")
        return self

    def _begin(self) -> None:
        """All room is taken at the start, so that a full disk is found before the work."""
        with open(self.path, "wb") as file:
            file.write(self._header)
            for first in range(0, self._shape[0], _CHUNK):
                count = min(_CHUNK, self._shape[0] - first)
                file.write(np.full((count, self._shape[1]), np.nan, "<f4").tobytes())

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def missing(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool [len(rows)], which are not there; one that a kill left half written is not."""
        return np.array([np.isnan(self._read(int(row))).any() for row in rows], bool)

    def put(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        for row, value in zip(rows.tolist(), values, strict=True):
            self._file.seek(len(self._header) + row * self._row_bytes)
            self._file.write(np.ascontiguousarray(value, "<f4").tobytes())
        self._file.flush()

    def _read(self, row: int) -> NDArray[np.float32]:
        self._file.seek(len(self._header) + row * self._row_bytes)
        return np.frombuffer(self._file.read(self._row_bytes), "<f4")
