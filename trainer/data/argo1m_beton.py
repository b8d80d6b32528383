"""ARGO1M's `.beton` files -> a clip table that gathers features straight from the file.

Fields by name: `uid` and `narration` (JSON lists of one text), `feat` (float32 [3, 2304]), `label` (int32: class,
scenario, location). They hold neither start nor end of a clip, so that audio can only come from a file with one row a
sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trainer.data.argo1m import (
    APPEARANCE_DIM,
    AUDIO_DIM,
    CLIP_ROWS,
    LOCATIONS,
    MOTION_DIM,
    SCENARIOS,
    VERBS,
)
from trainer.data.beton import Beton, BetonError
from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import VideoRows, silence
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError

_ROW_BYTES = 4 * (APPEARANCE_DIM + MOTION_DIM)


def read_argo1m_beton(path: Path) -> ClipTable:
    """The table of a file; `audio` is silence.

    Raises:
        BetonError: the file is damaged or has other fields.
        DatasetError: it holds no clip, or a class, scenario or location out of its range.
    """
    beton = Beton(path)
    features = beton.array_field("feat", (CLIP_ROWS, APPEARANCE_DIM + MOTION_DIM), "<f4")
    labels = beton.arrays(beton.array_field("label", (3,), "<i4")).astype(np.int64)
    if not len(beton):
        raise DatasetError(f"{path}: holds no clip; download it again")
    uids: dict[str, int] = {}
    texts: dict[str, int] = {}
    facts = ClipFacts(
        name=path.name,
        video=np.array([uids.setdefault(uid, len(uids)) for uid in _texts(beton, "uid")], np.int64),
        label=labels[:, 0],
        scenario=labels[:, 1],
        location=labels[:, 2],
        consistency=np.ones(len(beton), np.float32),
        narration=np.array(
            [texts.setdefault(text, len(texts)) if text else -1 for text in _texts(beton, "narration")], np.int64
        ),
        audio_narration=np.full(len(beton), -1, np.int64),
        video_names=tuple(uids),
        label_names=VERBS,
        scenario_names=SCENARIOS,
        location_names=LOCATIONS,
        texts=tuple(texts),
    )
    rows = features.pointers[:, None] + _ROW_BYTES * np.arange(CLIP_ROWS)
    video = VideoRows(
        appearance=beton.bytes_at(4 * APPEARANCE_DIM),
        motion=beton.bytes_at(4 * MOTION_DIM, skip=4 * APPEARANCE_DIM),
        rows=rows,
    )
    return ClipTable(facts, video, silence(len(beton), AUDIO_DIM))


def _texts(beton: Beton, name: str) -> Iterator[str]:
    """The single text of every sample's list; a bare text is taken too."""
    for sample, value in enumerate(beton.texts(name)):
        text = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(text, str):
            raise BetonError(f"{beton.path}: sample {sample}: {name} is no text; download the file again")
        yield text.strip().encode("utf-8", "replace").decode()  # JSON can spell half a character: "\\ud800"
