"""Small data sets with planted effects: made-up features of videos whose actions follow each other.

What a modality shows of an action is a direction of its own in every domain where it is told to shift, and one and the
same direction everywhere else: only a shifting modality loses in a domain that training has not seen.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import LABELS
from trainer.data.world.domains import DOMAINS, domain_role
from trainer.features.store import MODALITIES, FeatureStore, VideoFeatures

HOP_S, ACTION_S, WIDTH = 16 / 30, 2.4, 12
SOUNDS = ("A knife chops", "Water runs", "A saw goes", "Something rattles")
OWN_DOMAINS = tuple((s, p) for s in ("Cooking", "Sport", "Building") for p in ("Tokyo", "Bristol", "Catania"))


def write_own(
    folder: Path,
    shifting: Collection[str] = (),
    *,
    videos: int = 2,
    noise: float = 0.5,
    labels: Sequence[str] = LABELS[:4],
) -> tuple[Path, Path]:
    """An own-clips CSV and its feature store: nine domains, `videos` of each, three rounds of the `labels` a video."""
    names = [(f"{s}_{p}_{i}.mp4", s, p) for s, p in OWN_DOMAINS for i in range(videos)]
    return _write(folder, names, shifting, noise, labels, rounds=3)


def write_world(folder: Path, *, noise: float = 0.5) -> tuple[Path, Path]:
    """The tables of a rendered world with two videos of every tested domain, one of the others, and its features."""
    domains = [d for d in DOMAINS if domain_role(*d) != "pretrain"]
    names = [
        (f"{s}_{p}_{i}.mp4".lower(), s, p) for s, p in domains for i in range(1 + (domain_role(s, p) == "held-out"))
    ]
    csv_path, store = _write(folder, names, (), noise, LABELS[:6], rounds=1)
    with (folder / "videos.csv").open("w", newline="") as file:
        rows = [(f"videos/{name}", s, p, f"{p} {number % 4}", 0) for number, (name, s, p) in enumerate(names)]
        csv.writer(file).writerows([("video", "scenario", "location", "wearer", "seed"), *rows])
    return csv_path.parent, store


def _write(
    folder: Path,
    videos: Sequence[tuple[str, str, str]],
    shifting: Collection[str],
    noise: float,
    labels: Sequence[str],
    rounds: int,
) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    store = FeatureStore.create(folder / "store", dict.fromkeys(MODALITIES, WIDTH), {"made": "up"})
    rows: list[tuple[object, ...]] = []
    for name, scenario, location in videos:
        actions = [labels[i] for _ in range(rounds) for i in rng.permutation(len(labels))]
        for number, label in enumerate(actions):
            onscreen = rng.random() < 0.7
            sound = SOUNDS[labels.index(label) % 4 if onscreen else int(rng.integers(4))]
            extent = (f"{ACTION_S * number:.3f}", f"{ACTION_S * (number + 1):.3f}")
            r = 0.9 if onscreen else 0.2
            told = (f"#C C {label}s", sound, r, int(onscreen))
            rows.append((f"videos/{name}", *extent, label, scenario, location, *told))
        start = np.arange(int(len(actions) * ACTION_S / HOP_S) - 2) * 16
        # What the row shows is the action in the middle of the clip that ends with it.
        shown = [actions[min(int(max(k - 0.5, 0) * HOP_S / ACTION_S), len(actions) - 1)] for k in range(len(start))]
        values = [_features(m, scenario + location if m in shifting else "", shown, noise, rng) for m in MODALITIES]
        features = VideoFeatures(start, start / 30, *values, np.ones(len(start), np.float32))
        store.append(name, features)
    header = ("video", "start_s", "end_s", "label", "scenario", "location")
    with (folder / "annotations.csv").open("w", newline="") as file:
        told_columns = ("narration", "audio_narration", "consistency", "sound_onscreen")
        csv.writer(file).writerows([(*header, *told_columns), *rows])
    return folder / "annotations.csv", folder / "store"


def _features(
    modality: str, domain: str, shown: Sequence[str], noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    directions = {label: _direction(modality, domain, label) for label in set(shown)}
    exact = np.stack([directions[label] for label in shown])
    return (exact + rng.normal(0, noise, exact.shape)).astype(np.float32)


def _direction(*names: str) -> NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32("/".join(names).encode())).normal(0, 1, WIDTH)
