"""Checks of own clips, of the built-in world, and of a feature store by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edge.contract import WindowSpec
from edge.errors import EgoactError
from edge.recognizer import MIN_COVERAGE
from trainer.data.check_report import CheckReport, summarise
from trainer.data.clip_facts import ClipFacts, Domain
from trainer.data.clip_table import ClipTable
from trainer.data.clips_csv import Annotation, LiveClip, live_clips, read_clips_csv
from trainer.data.own_table import UNNAMED, live_facts, live_table, video_domain
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.domains import SPLITS, split_roles
from trainer.data.world_csv import read_videos_csv
from trainer.features.store import MODALITIES, FeatureStore

_CHUNK = 65_536


def check_own_clips(source: Path, features: Path | None, quick: bool) -> CheckReport:
    """Check an own-clips CSV; with a feature store, its clips as training sees them.

    Raises:
        EgoactError: the CSV or the store cannot be read at all.
    """
    report = CheckReport(str(source), "own clips")
    annotations = read_clips_csv(source)
    domains = {video: video_domain(rows) for video, rows in annotations.items()}
    unnamed = [video for video, domain in domains.items() if UNNAMED in domain]
    if unnamed:
        what = f"{len(unnamed):,} videos name no scenario or no location (first: {unnamed[0]})"
        report.add("warning", "domain", f"{source}: {what}; fill the columns in to hold domains out")
    for video, rows in annotations.items():
        named = {(a.scenario, a.location) for a in rows}
        if len(named) > 1:
            what = f"{video} lies in {len(named)} domains, '{'/'.join(domains[video])}' is taken"
            report.add("warning", "domain", f"{source}: {what}; split the video or correct the rows")
    _check_annotated(report, source, annotations, domains, features, quick)
    return report


def check_world(source: Path, features: Path | None, quick: bool) -> CheckReport:
    """Check a rendered world: its tables, its files, and which held-out splits it can train and test.

    Raises:
        EgoactError: a table or the store cannot be read at all.
    """
    report = CheckReport(str(source), "built-in world")
    annotations = read_clips_csv(source / "annotations.csv")
    videos = read_videos_csv(source / "videos.csv")
    absent = [video.path for video in videos if not (source / video.path).is_file()]
    if absent:
        what = f"{len(absent):,} of {len(videos):,} videos are not there (first: {absent[0]})"
        report.add("error", "missing-video", f"{source}: {what}; render the world again")
    unlisted = sorted(set(annotations) - {video.name for video in videos})
    if unlisted:
        report.add("error", "unlisted", f"{source}: videos.csv does not name {unlisted[0]}; render the world again")
    domains = {video.name: video.domain for video in videos}
    usable = [split for split in SPLITS if _has_both(split, set(domains.values()))]
    report.add("note", "splits", f"held-out splits with clips to train and to test: {', '.join(usable) or 'none'}")
    listed = {name: rows for name, rows in annotations.items() if name in domains}
    _check_annotated(report, source, listed, domains, features, quick)
    return report


def check_store(source: Path, quick: bool) -> CheckReport:
    """Check a feature store by itself.

    Raises:
        FeatureStoreError: it cannot be read at all.
    """
    report = CheckReport(str(source), "feature store")
    store = FeatureStore.open(source)
    widths = ", ".join(f"{name} {width}" for name, width in store.widths.items())
    report.add("note", "rows", f"{len(store.videos):,} videos, {store.rows:,} rows; widths: {widths}")
    if not store.rows:
        report.add("error", "empty", f"{source}: holds no features; extract some")
        return report
    heard = store.index()["audio_coverage"].to_numpy() >= MIN_COVERAGE
    report.add("note", "audio", f"{heard.mean():.1%} of the rows have sound")
    for modality in MODALITIES:
        values = store.array(modality)
        for first in range(0, 0 if quick else len(values), _CHUNK):
            bad = ~np.isfinite(values[first : first + _CHUNK]).all(axis=1)
            if bad.any():
                row = first + int(bad.argmax())
                where = f"{source}: row {row} of {modality}"
                report.add("error", "nan", f"{where} holds NaN or infinity; extract the features again")
                break
    return report


def _check_annotated(
    report: CheckReport,
    source: Path,
    annotations: Mapping[str, Sequence[Annotation]],
    domains: Mapping[str, Domain],
    features: Path | None,
    quick: bool,
) -> None:
    if features is None:
        report.add("note", "features", "features were not checked; name their store with --features")
        clips = [_as_clip(video, a) for video, rows in annotations.items() for a in rows]
        _add_part(report, _facts(source, clips, domains), None)
        return
    store = FeatureStore.open(features)
    missing = sorted(set(annotations) - set(store.videos))
    if missing:
        what = f"{len(missing):,} videos have no features (first: {missing[0]})"
        report.add("error", "missing-features", f"{features}: {what}; extract them")
    present = {video: rows for video, rows in annotations.items() if video not in missing}
    if not present:
        return
    clips = [
        clip
        for video, rows in present.items()
        for clip in live_clips(video, rows, store.video(video).start_tick.tolist(), WindowSpec(), IDLE_LABEL)
    ]
    try:
        table = live_table(source.name, store, clips, _labels(clips), domains)
    except EgoactError as problem:
        report.add("error", "features", str(problem))
        return
    _add_part(report, table.facts, table)
    for clip, modality in () if quick else table.not_finite():
        report.add("error", "nan", f"{features}: {modality} of clip {clip} holds NaN or infinity; extract it again")


def _add_part(report: CheckReport, facts: ClipFacts, table: ClipTable | None) -> None:
    rated = bool((facts.consistency != 1).any())
    report.parts.append(summarise(facts, rated, None if table is None else table.audio.heard))
    if table is not None and not table.audio.heard.any():
        report.add("warning", "audio", f"{facts.name}: no clip has sound; only video can be trained")


def _facts(source: Path, clips: Sequence[LiveClip], domains: Mapping[str, Domain]) -> ClipFacts:
    return live_facts(source.name, clips, _labels(clips), domains)


def _labels(clips: Sequence[LiveClip]) -> tuple[str, ...]:
    return tuple(sorted({clip.label for clip in clips}))


def _as_clip(video: str, a: Annotation) -> LiveClip:
    """An annotated action counted as one clip, where no rows are known."""
    centre_ns = (a.start_ns + a.end_ns) // 2
    return LiveClip(video, (), centre_ns, a.label, a.narration, a.audio_narration, a.consistency, boundary_s=0.0)


def _has_both(split: str, domains: set[Domain]) -> bool:
    roles = split_roles(split)
    return {"train", "test"} <= {roles[domain] for domain in domains if domain in roles}
