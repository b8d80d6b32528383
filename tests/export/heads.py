"""Trained-looking heads and stores of features for tests of export: random weights, made-up features."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.checkpoint import CheckpointConfig, save_checkpoint
from trainer.features.store import FeatureStore, VideoFeatures
from trainer.loop.build import build
from trainer.loop.settings import FitSettings
from trainer.methods.head_spec import HeadSpec

LABELS = ("cut", "mix", "wash", "idle")


def write_head(
    folder: Path,
    row_widths: tuple[int, int, int],
    feature_spec: Mapping[str, Any],
    *,
    method: str = "narration_aligned",
    modalities: Any = "ap+mo+au",
    labels: tuple[str, ...] = LABELS,
) -> Path:
    """A checkpoint of random weights for features of (A, M, D) values a row."""
    torch.manual_seed(0)
    appearance, motion, audio = row_widths
    spec = HeadSpec(
        appearance_dim=3 * appearance,
        motion_dim=3 * motion,
        audio_dim=audio,
        classes=len(labels),
        scenarios=2,
        locations=2,
        text_dim=8,
        modalities=modalities,
        hidden=16,
        out=8,
    )
    config = CheckpointConfig(
        method=method,
        hyper={},
        labels=labels,
        background="idle" if "idle" in labels else None,
        head=spec,
        feature_spec=feature_spec,
        split="",
        seed=0,
        settings=asdict(FitSettings()),
        data_sha256="0" * 64,
    )
    save_checkpoint(folder, build(method, {}, spec), config)
    return folder


def write_features(folder: Path, row_widths: tuple[int, int, int], videos: int = 6) -> tuple[Path, Path]:
    """An own-clips CSV and its feature store, of random features."""
    rng = np.random.default_rng(0)
    store = FeatureStore.create(
        folder / "store", dict(zip(("appearance", "motion", "audio"), row_widths, strict=True)), {}
    )
    rows: list[tuple[object, ...]] = []
    for number in range(videos):
        name = f"kitchen_{number}.mp4"
        start = np.arange(30) * 16
        values = (np.abs(rng.normal(size=(30, width))).astype(np.float32) for width in row_widths)
        store.append(name, VideoFeatures(start, start / 30, *values, np.ones(30, np.float32)))
        for action in range(6):
            label = LABELS[int(rng.integers(3))]
            rows.append((name, 2.5 * action, 2.5 * action + 2, label, "Cooking", ("Tokyo", "Bristol")[number % 2]))
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("video", "start_s", "end_s", "label", "scenario", "location"), *rows])
    return folder / "clips.csv", folder / "store"
