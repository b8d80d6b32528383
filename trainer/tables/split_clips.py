"""The clips of one held-out split, and their division for in-domain training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import COLUMNS, ClipFacts
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError

FOLDS = 2
"""Parts of a test domain for in-domain training: it sees all but one of them and is tested on that one."""
SOURCE_SHARE = 1 / 6
"""Share of the training domains' videos that no training sees, where the data set does not say which."""
PROBED_CLIPS = 64
"""Clips whose features enter the fingerprint; reading all of ARGO1M's would take minutes."""


@dataclass(frozen=True)
class SplitClips:
    """The clips of one split, by what they are for."""

    train: ClipTable
    source: ClipTable
    """Of the training domains, but of videos that no training sees."""
    test: ClipTable
    """Every clip of the held-out domain."""
    onscreen: NDArray[np.bool_] | None = None
    """bool [test clips], whether the action itself is heard; None where nobody says."""

    def sha256(self) -> str:
        """Fingerprint of the clips: all that is known of each, the rows that they use, and the features of some."""
        digest = hashlib.sha256()
        for part in (self.train, self.source, self.test):
            for value in _fingerprint_values(part):
                digest.update(value)
        if self.onscreen is not None:
            digest.update(self.onscreen.tobytes())
        return digest.hexdigest()


def video_folds(facts: ClipFacts, folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold of every clip, int64 [n]: whole videos, so that no moment is on both sides, and about equally many clips.

    Raises:
        DatasetError: there are fewer videos than folds.
    """
    videos, counts = np.unique(facts.video, return_counts=True)
    if len(videos) < folds:
        raise DatasetError(
            f"{facts.name}: {len(videos)} videos in the held-out domain, but training within the domain (table 1) needs"
            f" {folds}; leave this split out with --splits"
        )
    fold_of, filled = np.zeros(len(facts.video_names), np.int64), np.zeros(folds, np.int64)
    for place in np.argsort(-counts, kind="stable").tolist():
        fold = int(filled.argmin())
        fold_of[videos[place]] = fold
        filled[fold] += counts[place]
    return fold_of[facts.video]


def source_videos(facts: ClipFacts, share: float = SOURCE_SHARE) -> NDArray[np.bool_]:
    """bool [n], the clips of `share` of the videos (at least one), the same ones every time.

    Raises:
        DatasetError: there is only one video.
    """
    videos = np.unique(facts.video)
    if len(videos) < 2:
        raise DatasetError(f"{facts.name}: all clips to train on come from one video; give more videos")
    count = max(1, round(share * len(videos)))
    return np.isin(facts.video, np.random.default_rng(7).permutation(videos)[:count])


def _fingerprint_values(table: ClipTable) -> Iterator[bytes]:
    facts = table.facts
    names = [facts.video_names, facts.label_names, facts.scenario_names, facts.location_names, facts.texts]
    yield json.dumps(names).encode()
    for column in COLUMNS:
        yield getattr(facts, column).tobytes()
    for array in (table.video.rows, table.audio.rows, table.audio.weights):
        yield array.tobytes()
    probe = table.batch(np.linspace(0, len(table) - 1, min(PROBED_CLIPS, len(table))).astype(np.int64))
    for values in (probe.appearance, probe.motion, probe.audio):
        yield values.numpy().tobytes()
