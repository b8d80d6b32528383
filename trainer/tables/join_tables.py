"""Two clip tables whose features lie in the same arrays, as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import COLUMNS, ClipFacts
from trainer.data.clip_rows import AudioRows, FeatureArray
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError


def join_tables(first: ClipTable, second: ClipTable) -> ClipTable:
    """The clips of `first`, then those of `second`; no feature is copied.

    Raises:
        DatasetError: their features lie in different arrays, or their classes or domains are named differently.
    """
    a, b = first.facts, second.facts
    names = ("label_names", "scenario_names", "location_names")
    differing = [name for name in names if getattr(a, name) != getattr(b, name)]
    if differing:
        raise DatasetError(f"{a.name} and {b.name}: {differing[0]} differ; take both from one data set")
    pairs = (
        (first.video.appearance, second.video.appearance),
        (first.video.motion, second.video.motion),
        (first.audio.values, second.audio.values),
    )
    audio = _silent_like(second.audio, first.audio) if not second.audio.heard.any() else second.audio
    if not all(_same(*pair) for pair in pairs[:2]) or not _same(first.audio.values, audio.values):
        raise DatasetError(
            f"{a.name} and {b.name}: their features lie in different files, so that no training can see both;"
            " put them into one feature store (egoact data pack)"
        )
    return ClipTable(
        _join_facts(a, b),
        replace(first.video, rows=np.concatenate([first.video.rows, second.video.rows])),
        AudioRows(
            first.audio.values,
            np.concatenate([first.audio.rows, audio.rows]),
            np.concatenate([first.audio.weights, audio.weights]),
        ),
    )


def _silent_like(silent: AudioRows, other: AudioRows) -> AudioRows:
    """Clips without sound, as rows of another array: their weights are 0, so that any row serves."""
    shape = (len(silent.rows), other.rows.shape[1])
    return AudioRows(other.values, np.zeros(shape, np.int64), np.zeros(shape, np.float32))


def _join_facts(a: ClipFacts, b: ClipFacts) -> ClipFacts:
    texts = tuple(dict.fromkeys(a.texts + b.texts))
    videos = tuple(dict.fromkeys(a.video_names + b.video_names))
    moved = replace(
        b,
        video=_renumbered(b.video, b.video_names, videos),
        narration=_renumbered(b.narration, b.texts, texts),
        audio_narration=_renumbered(b.audio_narration, b.texts, texts),
        video_names=videos,
        texts=texts,
    )
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(a, column), getattr(moved, column)]) for column in COLUMNS
    }
    return replace(a, name=f"{a.name} and {b.name}", video_names=videos, texts=texts, **columns)


def _renumbered(index: NDArray[np.int64], old: tuple[str, ...], new: tuple[str, ...]) -> NDArray[np.int64]:
    place = {name: number for number, name in enumerate(new)}
    moved = np.array([*(place[name] for name in old), -1], np.int64)  # -1 stays: it is the last of these
    return moved[index]


def _same(first: FeatureArray, second: FeatureArray) -> bool:
    """Whether both are the same values: one array, or one stretch of one file mapped twice."""
    if first is second:
        return True
    if not (isinstance(first, np.memmap) and isinstance(second, np.memmap)):
        return False
    return first.filename == second.filename and first.offset == second.offset and first.shape == second.shape
