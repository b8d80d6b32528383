"""Made-up clips of which video tells one bit of the label and sound the other one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import AudioRows, VideoRows
from trainer.data.clip_table import ClipTable
from trainer.loop.head_clips import HeadClips, Narrations
from trainer.loop.settings import FitSettings
from trainer.methods.head_spec import HeadSpec

CLASSES, SCENARIOS, LOCATIONS, TEXT_DIM = 4, 3, 2, 16
A, M, D = 8, 6, 10
SPEC = HeadSpec(3 * A, 3 * M, D, CLASSES, SCENARIOS, LOCATIONS, TEXT_DIM, hidden=24, out=16)
SETTINGS = FitSettings(epochs=10, batch=32, lr=3e-3, milestones=(8,))


def toy_table(count: int, seed: int, *, silent: float = 0.0, untold: float = 0.0) -> ClipTable:
    """Labels 0..3; in clips of low consistency the sound is that of another label.

    Args:
        silent: share of the clips without sound. untold: share without narrations.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, CLASSES, count)
    consistency = np.where(rng.random(count) < 0.2, 0.1, 0.9)
    heard_label = np.where(consistency < 0.5, rng.integers(0, CLASSES, count), label)
    directions = np.random.default_rng(99)

    def features(bit: NDArray[np.int64], rows: int, width: int) -> NDArray[np.float32]:
        means = directions.normal(size=(2, width))
        return (means[np.repeat(bit, rows)] + 0.5 * rng.normal(size=(count * rows, width))).astype(np.float32)

    told = rng.random(count) >= untold
    facts = ClipFacts(
        name="toy",
        video=np.zeros(count, np.int64),
        label=label,
        scenario=rng.integers(0, SCENARIOS, count),
        location=rng.integers(0, LOCATIONS, count),
        consistency=consistency.astype(np.float32),
        narration=np.where(told, label, -1),
        audio_narration=np.where(told, CLASSES + heard_label, -1),
        video_names=("toy.mp4",),
        label_names=tuple("abcd"),
        scenario_names=tuple(f"scenario {i}" for i in range(SCENARIOS)),
        location_names=tuple(f"location {i}" for i in range(LOCATIONS)),
        texts=tuple(f"narration {i}" for i in range(2 * CLASSES)),
    )
    appearance, motion = features(label // 2, 3, A), features(label // 2, 3, M)
    video = VideoRows(appearance, motion, np.arange(3 * count).reshape(count, 3))
    heard = (rng.random((count, 1)) >= silent).astype(np.float32)
    return ClipTable(facts, video, AudioRows(features(heard_label % 2, 1, D), np.arange(count)[:, None], heard))


def toy_narrations(subjects: int = 1) -> Narrations:
    """Of the texts of every toy table."""
    vectors = np.random.default_rng(5).normal(size=(2 * CLASSES, subjects, TEXT_DIM)).astype(np.float32)
    return Narrations(vectors, np.arange(2 * CLASSES))


def toy_clips(count: int, seed: int, *, silent: float = 0.0, untold: float = 0.0, subjects: int = 1) -> HeadClips:
    """The same on the CPU."""
    return HeadClips(toy_table(count, seed, silent=silent, untold=untold), toy_narrations(subjects), resident=True)


def quiet(line: str) -> None:
    """Nobody reads it."""
