"""One call from ARGO1M's files to the clip tables of a split."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.data.argo1m import AUDIO_DIM, PARTS, Part, Split, split_files
from trainer.data.argo1m_audio import read_clip_audio, sound_mask
from trainer.data.argo1m_beton import read_argo1m_beton
from trainer.data.argo1m_csv import Argo1mClips, read_argo1m_csv
from trainer.data.argo1m_pt import gather_pt
from trainer.data.argo1m_store import StoreRows, store_audio, store_video
from trainer.data.clip_rows import AudioRows, VideoRows, silence
from trainer.data.clip_table import ClipTable
from trainer.data.domain_split import require_disjoint
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore

VideoReader = Callable[[Argo1mClips], VideoRows]
AudioReader = Callable[[Path, Argo1mClips], AudioRows]


def is_store(folder: Path) -> bool:
    """Whether a folder is a feature store."""
    return (folder / "store.json").is_file()


def video_reader(features: Path) -> VideoReader:
    """Where appearance and motion come from: a feature store, or a folder of Ego4D's `<uid>.pt`.

    Raises:
        DatasetError, FeatureStoreError: it is neither, or cannot be read.
    """
    if is_store(features):
        rows = StoreRows(FeatureStore.open(features))
        return lambda clips: store_video(rows, clips)
    if not features.is_dir():
        raise DatasetError(f"{features}: no such folder; give a feature store or the folder of Ego4D's .pt files")
    return lambda clips: gather_pt(features, clips)


def audio_reader(audio: Path | None) -> AudioReader:
    """Where audio comes from: a feature store, a folder with `<name of the CSV>.npy` for every CSV, or nowhere.

    Raises:
        FeatureStoreError: the store cannot be read.
    """
    if audio is None:
        return lambda csv, clips: silence(len(clips), AUDIO_DIM)
    if is_store(audio):
        rows = StoreRows(FeatureStore.open(audio))
        return lambda csv, clips: store_audio(rows, clips)
    return lambda csv, clips: read_clip_audio(audio / f"{csv.stem}.npy", clips.csv_row)


def read_split(
    folder: Path,
    split: Split,
    features: Path | None = None,
    audio: Path | None = None,
    heard: Set[str] | None = None,
) -> dict[Part, ClipTable]:
    """The tables of the parts of a split that the folder has; training and test are there and share no domain.

    Args:
        folder: the CSV files (with `features`) or the .beton files (without).
        features: a feature store or the folder of `<uid>.pt`; None reads .beton files.
        audio: see `audio_reader`.
        heard: uids of the videos to keep, e.g. of `read_manifest` or `StoreRows.heard_videos`; None keeps all.

    Raises:
        DatasetError: a file is missing or wrong, a part is empty, or training and test share a domain.
        FeatureStoreError: a store cannot be read.
    """
    suffix = ".beton" if features is None else ".csv"
    files = split_files(folder, suffix).get(split, {})
    for part in ("train", "test"):
        if part not in files:
            raise DatasetError(f"{folder}: no {split.code}_{part}{suffix} or {split.stem}_{part}{suffix}; download it")
    if features is None:
        tables = {part: read_beton_table(files[part], audio, heard) for part in PARTS if part in files}
    else:
        video, sound = video_reader(features), audio_reader(audio)
        tables = {part: read_csv_table(files[part], video, sound, heard) for part in PARTS if part in files}
    require_disjoint(tables["train"].facts, tables["test"].facts)
    return tables


def read_csv_table(csv: Path, video: VideoReader, audio: AudioReader, heard: Set[str] | None = None) -> ClipTable:
    """The table of one CSV file; see `read_split`."""
    clips = read_argo1m_csv(csv)
    if heard is not None:
        clips = clips.select(sound_mask(clips.facts, heard))
    return ClipTable(clips.facts, video(clips), audio(csv, clips))


def read_beton_table(beton: Path, audio: Path | None = None, heard: Set[str] | None = None) -> ClipTable:
    """The table of one .beton file; `audio` is a folder with `<name of the file>.npy`, as it holds no clip's extent."""
    table = read_argo1m_beton(beton)
    if audio is not None:
        table = replace(table, audio=read_clip_audio(audio / f"{beton.stem}.npy", np.arange(len(table))))
    return table if heard is None else table.select(sound_mask(table.facts, heard))
