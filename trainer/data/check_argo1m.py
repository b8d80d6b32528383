"""Checks of ARGO1M's CSV and .beton files: every file, then what train and test share, then the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import EgoactError
from trainer.data.argo1m import Part, Split, split_files, split_of_file
from trainer.data.argo1m_audio import read_clip_audio, read_manifest, sound_mask
from trainer.data.argo1m_beton import read_argo1m_beton
from trainer.data.argo1m_columns import read_argo1m_columns
from trainer.data.argo1m_csv import Argo1mClips, clips_of
from trainer.data.argo1m_load import is_store
from trainer.data.argo1m_store import StoreRows
from trainer.data.check_columns import check_columns
from trainer.data.check_features import check_features
from trainer.data.check_report import CheckReport, summarise
from trainer.data.clip_facts import ClipFacts
from trainer.data.domain_split import shared_domains
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore


def check_csv_files(
    source: Path,
    splits: Sequence[Split],
    features: Path | None,
    audio: Path | None,
    manifest: Path | None,
    quick: bool,
) -> CheckReport:
    """Check a folder of ARGO1M CSV files or one of them.

    Args:
        splits: only these; all that are there when none is given.
        features: a feature store or the folder of `<uid>.pt`.
        audio: a feature store or a folder of `<name of the CSV>.npy`.
        manifest: Ego4D's manifest.csv.
        quick: do not read the features' values.

    Raises:
        EgoactError: the folder, the manifest or a store cannot be read at all.
    """
    report = CheckReport(str(source), "ARGO1M, CSV files")
    heard = _heard(audio, manifest)
    parts: dict[Path, Argo1mClips] = {}
    for path in _files(source, ".csv", splits):
        try:
            columns = read_argo1m_columns(path)
        except DatasetError as problem:
            report.add("error", "csv", str(problem))
            continue
        if not check_columns(columns, report):
            continue
        clips = parts[path] = clips_of(columns)
        sound = _sound(report, path, clips, audio, heard)
        report.parts.append(summarise(clips.facts, columns.consistency is not None, sound))
        _check_narrations(report, clips.facts)
    _check_splits(report, source, ".csv", splits, {path: clips.facts for path, clips in parts.items()})
    if features is None:
        report.add("note", "features", "features were not checked; name their folder with --features")
    elif parts:
        check_features(report, list(parts.values()), features, quick)
    return report


def check_beton_files(source: Path, splits: Sequence[Split], manifest: Path | None, quick: bool) -> CheckReport:
    """Check a folder of ARGO1M .beton files or one of them; see `check_csv_files`."""
    report = CheckReport(str(source), "ARGO1M, .beton files")
    heard = _heard(None, manifest)
    parts: dict[Path, ClipFacts] = {}
    for path in _files(source, ".beton", splits):
        try:
            table = read_argo1m_beton(path)
        except DatasetError as problem:
            report.add("error", "beton", str(problem))
            continue
        parts[path] = table.facts
        report.parts.append(summarise(table.facts, False, None if heard is None else sound_mask(table.facts, heard)))
        _check_narrations(report, table.facts)
        for clip, modality in () if quick else table.not_finite():
            report.add("error", "nan", f"{path}: sample {clip}: {modality} holds NaN or infinity; download it again")
    _check_splits(report, source, ".beton", splits, parts)
    return report


def _files(source: Path, suffix: str, splits: Sequence[Split]) -> list[Path]:
    if source.is_file():
        return [source]
    found = split_files(source, suffix)
    return [path for split, parts in found.items() if not splits or split in splits for path in parts.values()]


def _heard(audio: Path | None, manifest: Path | None) -> Set[str] | None:
    """Uids of the videos with sound; None when nothing tells by video."""
    if manifest is not None:
        return read_manifest(manifest)
    if audio is not None and is_store(audio):
        return StoreRows(FeatureStore.open(audio)).heard_videos()
    return None


def _sound(
    report: CheckReport, path: Path, clips: Argo1mClips, audio: Path | None, heard: Set[str] | None
) -> NDArray[np.bool_] | None:
    sound = None if heard is None else sound_mask(clips.facts, heard)
    if audio is not None and not is_store(audio):
        try:
            sound = read_clip_audio(audio / f"{path.stem}.npy", clips.csv_row).heard
        except EgoactError as problem:
            report.add("error", "audio", str(problem))
    if sound is None:
        report.add("note", "audio", f"{path}: nothing tells which clips have sound; give --manifest or --audio")
    elif not sound.any():
        report.add("error", "audio", f"{path}: no clip has sound; check that --manifest or --audio belongs to it")
    return sound


def _check_narrations(report: CheckReport, facts: ClipFacts) -> None:
    for code, column in (("narration", facts.narration), ("audio-narration", facts.audio_narration)):
        missing = int((column < 0).sum())
        if missing:
            what = code.replace("-", " ")
            mend = "alignment leaves these clips out"
            report.add("note", code, f"{facts.name}: {missing:,} of {len(facts):,} clips have no {what}; {mend}")


def _check_splits(
    report: CheckReport, source: Path, suffix: str, splits: Sequence[Split], facts: Mapping[Path, ClipFacts]
) -> None:
    """Train and test of every split are there and share no scenario and no location."""
    by_split: dict[Split, dict[Part, ClipFacts]] = {split: {} for split in splits}
    for path, part_facts in facts.items():
        named = split_of_file(path)
        if named is not None:
            by_split.setdefault(named[0], {})[named[1]] = part_facts
    present = split_files(source, suffix) if source.is_dir() else {}
    for split, parts in by_split.items():
        for part in ("train", "test") if source.is_dir() else ():
            if part not in present.get(split, {}):
                report.add("error", "missing-part", f"{source}: no {split.code}_{part}{suffix}; download it")
        if "test" in parts:
            _check_overlap(report, parts)
            _check_held_out(report, split, parts["test"])


def _check_overlap(report: CheckReport, parts: dict[Part, ClipFacts]) -> None:
    test = parts["test"]
    for part in ("train", "validation"):
        if part not in parts:
            continue
        for kind, names in zip(("scenario", "location"), shared_domains(parts[part], test), strict=True):
            if names:
                report.add(
                    "error" if part == "train" else "warning",
                    "overlap",
                    f"{parts[part].name} and {test.name} share the {kind} {', '.join(names)}: it is not held out;"
                    f" take its clips out of {parts[part].name}",
                )


def _check_held_out(report: CheckReport, split: Split, test: ClipFacts) -> None:
    others = [domain for domain in test.domain_counts() if domain != (split.scenario, split.location)]
    if others:
        named = f"{split.scenario}/{split.location}"
        report.add(
            "warning",
            "held-out",
            f"{test.name}: holds {'/'.join(others[0])}, but the split is named after {named}; check the file's name",
        )
