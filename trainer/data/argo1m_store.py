"""ARGO1M's clips in a feature store: one that egoact extracted, or one that `egoact data pack` made of Ego4D's files.

Videos are found by their uid, with or without a file ending: the store may say `<uid>` or `<uid>.mp4`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from edge.recognizer import MIN_COVERAGE
from trainer.data.argo1m import HOP_FRAMES
from trainer.data.argo1m_csv import Argo1mClips, clip_rows
from trainer.data.argo1m_pt import PACKED_SPEC
from trainer.data.clip_rows import AudioRows, VideoRows
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore


class StoreRows:
    """The index of a store, by video and row number."""

    def __init__(self, store: FeatureStore) -> None:
        """Raises DatasetError when the store is empty."""
        self.store = store
        if not store.rows:
            raise DatasetError(f"{store.path}: holds no features; extract some")
        index = store.index()
        names = pa.array(store.videos, pa.string())
        codes = pc.index_in(index["video"], value_set=names).to_numpy()
        counts = np.bincount(codes, minlength=len(names))
        first = np.concatenate([[0], np.cumsum(counts)])
        if store.spec == PACKED_SPEC:
            self._number = index["start_tick"].to_numpy() // HOP_FRAMES
        else:
            self._number = np.arange(len(codes)) - np.repeat(first[:-1], counts)
        self._code_of = {PurePosixPath(name).stem: code for code, name in enumerate(store.videos)}
        # Row numbers rise within a video, so that video * span + number rises over the whole store.
        self._span = int(self._number.max(initial=0)) + 1
        self._keys = codes * self._span + self._number
        self._counts = np.zeros(len(names), np.int64)
        np.maximum.at(self._counts, codes, self._number + 1)
        self.heard = index["audio_coverage"].to_numpy() >= MIN_COVERAGE
        """bool [R], whether the row's audio window has sound."""

    def missing(self, clips: Argo1mClips) -> tuple[str, ...]:
        """Uids of the clips' videos that are not in the store."""
        used = np.unique(clips.facts.video).tolist()
        return tuple(uid for uid in (clips.facts.video_names[i] for i in used) if uid not in self._code_of)

    def find(self, clips: Argo1mClips, start: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the store's arrays for clips from `start` to their end: int64 [n, 3].

        Raises:
            DatasetError: a video or a row is not in the store.
        """
        missing = self.missing(clips)
        if missing:
            raise DatasetError(
                f"{self.store.path}: no features of {len(missing)} of the videos of {clips.facts.name}"
                f" (first: {missing[0]}); extract them or leave their clips out"
            )
        code_of_name = np.array([self._code_of.get(uid, 0) for uid in clips.facts.video_names], np.int64)
        codes = code_of_name[clips.facts.video]
        keys = codes[:, None] * self._span + clip_rows(start, clips.end, self._counts[codes])
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        absent = (self._keys[found] != keys).any(axis=1)
        if absent.any():
            clip = int(absent.argmax())
            uid = clips.facts.video_names[clips.facts.video[clip]]
            raise DatasetError(
                f"{self.store.path}: rows of {uid} that {clips.facts.name} needs were not packed;"
                " pack all splits together into a new folder"
            )
        return found

    def heard_videos(self) -> frozenset[str]:
        """Uids of the videos that have sound in any row."""
        codes = np.unique((self._keys // self._span)[self.heard])
        return frozenset(PurePosixPath(self.store.videos[code]).stem for code in codes.tolist())


def store_video(rows: StoreRows, clips: Argo1mClips) -> VideoRows:
    """Appearance and motion of the clips, in the store's memory maps.

    Raises:
        DatasetError: see `StoreRows.find`.
    """
    store = rows.store
    return VideoRows(store.array("appearance"), store.array("motion"), rows.find(clips, clips.start))


def store_audio(rows: StoreRows, clips: Argo1mClips) -> AudioRows:
    """Audio of the clips: the mean of up to three of the store's windows (2.13 s, ending with their row).

    The windows are spread over the clip's extent as the video rows are, and end at the rows
    rint(linspace(min(start + 2, end), end, 3)): the first window starts with the clip, the last one ends with it. For
    three consecutive rows that is the one window that the live runtime hears. Windows without sound do not count.

    Raises:
        DatasetError: see `StoreRows.find`; or the store was made without audio.
    """
    if not rows.store.widths["audio"]:
        raise DatasetError(f"{rows.store.path}: was made without audio; extract it: egoact features")
    found = rows.find(clips, np.minimum(clips.start + 2, clips.end))
    weights = rows.heard[found].astype(np.float32)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return AudioRows(rows.store.array("audio"), found, weights)
