"""Ego4D's features as published: one `<uid>.pt` a video, a tensor [N, 2304] of SlowFast 8x8 R101.

A folder of many files cannot serve random batches: `gather_pt` copies the rows that clips use into memory, and
`pack_pt` copies them into a feature store once, for everything that is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.data.argo1m import APPEARANCE_DIM, FRAME_RATE_HZ, HOP_FRAMES, MOTION_DIM
from trainer.data.argo1m_csv import Argo1mClips, clip_rows
from trainer.data.clip_rows import VideoRows
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore, VideoFeatures

WIDTH = APPEARANCE_DIM + MOTION_DIM
PACKED_SPEC: dict[str, Any] = {"source": "ego4d slowfast8x8_r101_k400", "rows": "used"}
"""`spec` of a packed store: `start_tick` is 16 * row, the last row of every video is there, and there is no audio."""
IN_MEMORY_BYTES = 8 << 30
Progress = Callable[[int, int], None]
"""Called with (videos done, videos in all)."""


def open_pt(folder: Path, uid: str) -> NDArray[Any]:
    """All rows of a video, mapped where the file allows it: float32 or float16 [N, 2304], N >= 1.

    Raises:
        DatasetError: there is no such file, it is damaged or holds anything but such a tensor.
    """
    path = folder / f"{uid}.pt"
    if not path.is_file():
        raise DatasetError(f"{path}: missing; download this video's features or leave its clips out")
    try:
        features = _load(path)
    except Exception as problem:  # torch raises many kinds of errors on damaged files
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise DatasetError(f"{path}: cannot be read ({reason}); download it again") from None
    if not isinstance(features, torch.Tensor) or features.dtype not in (torch.float32, torch.float16):
        raise DatasetError(f"{path}: holds no float tensor; download Ego4D's slowfast8x8_r101_k400")
    if features.ndim != 2 or features.shape[1] != WIDTH or not len(features):
        raise DatasetError(
            f"{path}: features are {list(features.shape)}, expected [N, {WIDTH}]; download slowfast8x8_r101_k400"
        )
    return features.numpy()


def gather_pt(folder: Path, clips: Argo1mClips, progress: Progress = lambda done, of: None) -> VideoRows:
    """The rows that the clips use, each once, in memory.

    Raises:
        DatasetError: whatever `open_pt` refuses, NaN in a used row, or more than 8 GB of rows.
    """
    rows = clip_rows(clips.start, clips.end, np.iinfo(np.int64).max)
    most = sum(len(np.unique(rows[chosen])) for _, chosen in clips_by_video(clips))
    if most * WIDTH * 4 > IN_MEMORY_BYTES:
        gigabytes = most * WIDTH * 4 / 1e9
        raise DatasetError(f"{clips.facts.name}: {gigabytes:.0f} GB of features; pack them once: egoact data pack")
    values = np.empty((most, WIDTH), np.float32)
    placed = np.empty_like(rows)
    filled = 0
    for done, (uid, chosen) in enumerate(clips_by_video(clips), 1):
        features = open_pt(folder, uid)
        used, places = np.unique(clip_rows(clips.start[chosen], clips.end[chosen], len(features)), return_inverse=True)
        values[filled : filled + len(used)] = _finite(folder, uid, features, used)
        placed[chosen] = filled + places.reshape(-1, rows.shape[1])
        filled += len(used)
        progress(done, len(clips.facts.video_names))
    return VideoRows(values[:filled, :APPEARANCE_DIM], values[:filled, APPEARANCE_DIM:], placed)


def pack_pt(
    folder: Path, sources: Sequence[Argo1mClips], out: Path, progress: Progress = lambda done, of: None
) -> FeatureStore:
    """Copy the rows that any of the clips use into a feature store at `out`; goes on where a broken run stopped.

    Give all files of all splits at once: a video is packed once, with the rows that are asked for then.

    Raises:
        DatasetError: whatever `open_pt` refuses, or NaN in a used row.
        FeatureStoreError: `out` holds another store.
        OSError: the disk is full, or the folder cannot be written.
    """
    spans: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {}
    for clips in sources:
        for uid, chosen in clips_by_video(clips):
            spans.setdefault(uid, []).append((clips.start[chosen], clips.end[chosen]))
    store = FeatureStore.create(out, {"appearance": APPEARANCE_DIM, "motion": MOTION_DIM, "audio": 0}, PACKED_SPEC)
    present = set(store.videos)
    for done, (uid, video_spans) in enumerate(spans.items(), 1):
        if uid not in present:
            features = open_pt(folder, uid)
            asked = [clip_rows(start, end, len(features)).ravel() for start, end in video_spans]
            used = np.unique(np.concatenate([*asked, [len(features) - 1]]))  # the last row tells how many there were
            values = _finite(folder, uid, features, used)
            store.append(uid, _packed(used, values))
        progress(done, len(spans))
    return store


def _load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # a file of torch's old format cannot be mapped
        return torch.load(path, map_location="cpu", weights_only=True)


def clips_by_video(clips: Argo1mClips) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """(uid, indices of its clips) of every video that has clips."""
    order = np.argsort(clips.facts.video, kind="stable")
    videos, firsts = np.unique(clips.facts.video[order], return_index=True)
    for video, chosen in zip(videos.tolist(), np.split(order, firsts[1:]), strict=True):
        yield clips.facts.video_names[video], chosen


def _finite(folder: Path, uid: str, features: NDArray[Any], used: NDArray[np.int64]) -> NDArray[np.float32]:
    values = features[used].astype(np.float32)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        row = used[bad.argmax()]
        raise DatasetError(f"{folder / uid}.pt: row {row} holds NaN or infinity; download it again")
    return values


def _packed(used: NDArray[np.int64], values: NDArray[np.float32]) -> VideoFeatures:
    return VideoFeatures(
        start_tick=used * HOP_FRAMES,
        t_start_s=(used * HOP_FRAMES / FRAME_RATE_HZ).astype(np.float64),
        appearance=values[:, :APPEARANCE_DIM],
        motion=values[:, APPEARANCE_DIM:],
        audio=np.zeros((len(used), 0), np.float32),
        audio_coverage=np.zeros(len(used), np.float32),
    )
