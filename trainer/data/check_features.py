"""Checks of the features that ARGO1M's clips use: there, of the right width, long enough, finite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import EgoactError
from trainer.data.argo1m import APPEARANCE_DIM, MOTION_DIM
from trainer.data.argo1m_csv import Argo1mClips, clip_rows
from trainer.data.argo1m_load import is_store
from trainer.data.argo1m_pt import clips_by_video, open_pt
from trainer.data.argo1m_store import StoreRows
from trainer.data.check_report import CheckReport
from trainer.features.store import FeatureStore

_CHUNK = 4096
_NAMED = 5
"""Videos of one kind of fault that get a line of their own."""


def check_features(report: CheckReport, parts: Sequence[Argo1mClips], features: Path, quick: bool) -> None:
    """Add what is wrong with the features of any of the clips; with `quick` their values are not read."""
    if is_store(features):
        _check_store(report, parts, features, quick)
    elif features.is_dir():
        _check_pt(report, parts, features, quick)
    else:
        report.add("error", "features", f"{features}: no such folder; give a feature store or Ego4D's .pt files")


def _check_pt(report: CheckReport, parts: Sequence[Argo1mClips], folder: Path, quick: bool) -> None:
    spans: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {}
    for clips in parts:
        for uid, chosen in clips_by_video(clips):
            spans.setdefault(uid, []).append((clips.start[chosen], clips.end[chosen]))
    missing = [uid for uid in spans if not (folder / f"{uid}.pt").is_file()]
    if missing:
        of = f"{len(missing):,} of {len(spans):,} videos have no features (first: {missing[0]}.pt)"
        report.add("error", "missing-features", f"{folder}: {of}; download them or leave their clips out")
    beyond: list[str] = []
    faults: list[tuple[str, str]] = []
    for uid in spans.keys() - set(missing):
        try:
            values = open_pt(folder, uid)
        except EgoactError as problem:
            faults.append(("features", str(problem)))
            continue
        start, end = (np.concatenate(column) for column in zip(*spans[uid], strict=True))
        if end.max() >= len(values):
            beyond.append(f"{uid}: row {end.max()} of {len(values)}")
        if not quick:
            used = np.unique(clip_rows(start, end, len(values)))
            bad = ~np.isfinite(values[used]).all(axis=1)
            if bad.any():
                where = f"{folder / uid}.pt: row {used[bad.argmax()]}"
                faults.append(("nan", f"{where} holds NaN or infinity; download it again"))
    for code, message in sorted(faults)[:_NAMED]:
        report.add("error", code, message)
    if len(faults) > _NAMED:
        report.add("error", "features", f"{folder}: {len(faults) - _NAMED:,} more files are wrong; download them again")
    if beyond:
        first = f"{len(beyond):,} videos have clips that end behind their last row (first: {min(beyond)})"
        report.add("warning", "rows", f"{folder}: {first}; such rows are clipped, check that these are the features")


def _check_store(report: CheckReport, parts: Sequence[Argo1mClips], folder: Path, quick: bool) -> None:
    store = FeatureStore.open(folder)
    wanted = {"appearance": APPEARANCE_DIM, "motion": MOTION_DIM}
    for modality, width in wanted.items():
        if store.widths[modality] != width:
            report.add(
                "warning",
                "width",
                f"{folder}: {modality} is {store.widths[modality]} wide, Ego4D's is {width}; these are other features",
            )
    rows = StoreRows(store)
    used = [np.zeros(0, np.int64)]
    for clips in parts:
        missing = rows.missing(clips)
        if missing:
            of = f"{len(missing):,} videos of {clips.facts.name} have no features (first: {missing[0]})"
            report.add("error", "missing-features", f"{folder}: {of}; extract them or leave their clips out")
            continue
        try:
            used.append(np.unique(rows.find(clips, clips.start)))
        except EgoactError as problem:
            report.add("error", "features", str(problem))
    if not quick:
        _check_values(report, store, np.unique(np.concatenate(used)))


def _check_values(report: CheckReport, store: FeatureStore, used: NDArray[np.int64]) -> None:
    """Every row that any clip uses is read once."""
    for modality in ("appearance", "motion"):
        values = store.array(modality)
        for first in range(0, len(used), _CHUNK):
            chunk = used[first : first + _CHUNK]
            bad = ~np.isfinite(values[chunk]).all(axis=1)
            if bad.any():
                where = f"{store.path}: row {chunk[bad.argmax()]} of {modality}"
                report.add("error", "nan", f"{where} holds NaN or infinity; extract the features again")
                break
