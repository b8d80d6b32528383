"""The pairs of narrations that are rated otherwise than their like: where a rater's mistakes show.

What is expected of a pair is the mean rating of the other pairs of the same class and audio narration; where there are
few of them, the class's mean and the audio narration's mean, added up, weigh in as one more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import ClipFacts

LEAST = 0.05
"""A smaller difference is not strange."""


class StrangePair(NamedTuple):
    """Two narrations whose rating is far from what others like them have."""

    narration: str
    audio_narration: str
    label: str
    rating: float
    expected: float
    clips: int


def strangest_pairs(facts: ClipFacts, most: int = 10) -> tuple[StrangePair, ...]:
    """The `most` pairs with the largest difference, the largest first; clips without both narrations are left out."""
    chosen = np.flatnonzero(facts.narrated)
    if not len(chosen):
        return ()
    code = facts.narration[chosen] * len(facts.texts) + facts.audio_narration[chosen]
    _, first, pair, clips = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    rating = np.bincount(pair.ravel(), facts.consistency[chosen].astype(np.float64)) / clips
    label, audio = facts.label[chosen][first], facts.audio_narration[chosen][first]
    expected = _expected(rating, label, audio)
    apart = np.abs(rating - expected)
    found = [i for i in np.argsort(-apart, kind="stable")[:most].tolist() if apart[i] >= LEAST]
    return tuple(
        StrangePair(
            facts.texts[facts.narration[chosen[first[i]]]],
            facts.texts[audio[i]],
            facts.label_names[label[i]],
            round(float(rating[i]), 3),
            round(float(expected[i]), 3),
            int(clips[i]),
        )
        for i in found
    )


def _expected(rating: NDArray[np.float64], label: NDArray[np.int64], audio: NDArray[np.int64]) -> NDArray[np.float64]:
    mean = rating.mean()
    of_label = _shrunk_means(rating - mean, label)
    of_audio = _shrunk_means(rating - mean - of_label, audio)
    added_up = np.clip(mean + of_label + of_audio, 0, 1)
    _, like = np.unique(label * (audio.max() + 1) + audio, return_inverse=True)
    count, total = np.bincount(like)[like], np.bincount(like, rating)[like]
    return (added_up + total - rating) / count


def _shrunk_means(values: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of every value's group, drawn towards 0 as by one more value of 0."""
    return (np.bincount(group, values) / (np.bincount(group) + 1))[group]
