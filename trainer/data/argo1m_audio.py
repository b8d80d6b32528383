"""Sound of ARGO1M's clips: which videos have any, and audio features kept one row a clip.

The paper trains and tests on the clips whose video has sound, about 60 % of all. Ego4D's manifest tells which.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.npy_file import map_npy
from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import AudioRows
from trainer.data.errors import DatasetError

DURATION_COLUMN = "canonical_audio_duration_sec"
_CHUNK = 4096


def read_manifest(path: Path) -> frozenset[str]:
    """Uids of the videos with sound, of Ego4D's manifest.csv: its audio duration is there and not 0.

    Raises:
        DatasetError: the file cannot be read, or lacks a column.
    """
    heard = set()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            uid_column = "video_uid" if "video_uid" in header else "uid"
            for column in (uid_column, DURATION_COLUMN):
                if column not in header:
                    raise DatasetError(f"{path}: no column '{column}'; give the manifest.csv of Ego4D's full_scale")
            for row in reader:
                if _is_positive(row[DURATION_COLUMN]):
                    heard.add((row[uid_column] or "").strip())
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DatasetError(f"{path}: cannot be read ({problem}); download the manifest again") from None
    return frozenset(heard)


def sound_mask(facts: ClipFacts, heard: Set[str]) -> NDArray[np.bool_]:
    """bool [n], whether the clip's video is among `heard`: the mask of the audio subset."""
    of_video = np.array([uid in heard for uid in facts.video_names], bool)
    return of_video[facts.video]


def read_clip_audio(path: Path, clip_of: NDArray[np.int64]) -> AudioRows:
    """Audio features kept as `.npy`, float32 [clips, D]: row i belongs to clip i of a file, zeros are no sound.

    The array is mapped, and read once here to find the clips without sound.

    Args:
        clip_of: int64 [n], place in its CSV or .beton file of every clip that is wanted.

    Raises:
        DatasetError: the file cannot be read, is no such array, has fewer rows than there are clips, or holds NaN.
    """
    try:
        values = map_npy(path)
    except (OSError, ValueError) as problem:
        raise DatasetError(f"{path}: cannot be read ({problem}); extract the audio features again") from None
    if values.ndim != 2 or values.dtype != np.dtype("<f4"):
        raise DatasetError(f"{path}: expected float32 [clips, width]; extract the audio features again")
    if len(values) <= clip_of.max(initial=-1):
        raise DatasetError(f"{path}: {len(values)} rows, but clip {clip_of.max()} is wanted; extract this file's audio")
    heard = np.empty(len(clip_of), bool)
    for first in range(0, len(clip_of), _CHUNK):
        part = values[clip_of[first : first + _CHUNK]]
        if not np.isfinite(part).all():
            clip = clip_of[first + int((~np.isfinite(part)).any(axis=1).argmax())]
            raise DatasetError(f"{path}: row {clip} holds NaN or infinity; extract it again")
        heard[first : first + _CHUNK] = part.any(axis=1)
    return AudioRows(values, clip_of[:, None], heard[:, None].astype(np.float32))


def _is_positive(cell: str | None) -> bool:
    try:
        value = float(cell or "nan")
    except ValueError:
        return False
    return math.isfinite(value) and value > 0
