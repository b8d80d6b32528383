"""The clips of a training run by what they are for: to train on, to validate on, to test on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.errors import UsageError
from trainer.build_backbones import held_out_wearers
from trainer.build_heads import BOUNDARY_S
from trainer.data.argo1m import split_files, split_named
from trainer.data.argo1m_load import is_store
from trainer.data.clip_facts import Domain
from trainer.data.clip_table import ClipTable
from trainer.data.clips_csv import LiveClip, live_clips, read_clips_csv
from trainer.data.domain_split import hold_out, require_disjoint
from trainer.data.own_table import live_table, video_domain
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.actions import LABELS as WORLD_ACTIONS
from trainer.data.world.domains import SPLITS, split_roles
from trainer.data.world_csv import read_videos_csv
from trainer.features.store import FeatureStore
from trainer.tables.argo1m_source import Argo1mSource
from trainer.tables.split_clips import source_videos
from trainer.tables.world_source import WEARERS_SEED, world_folder

Kind = Literal["argo1m", "world", "own"]


@dataclass(frozen=True)
class Parts:
    """Clips of one source; None where there are none."""

    kind: Kind
    train: ClipTable
    validation: ClipTable | None
    """Of the training domains, but of videos that training never sees."""
    test: ClipTable | None
    """Every clip of the held-out domain."""
    everything: ClipTable
    """All clips of the source; of ARGO1M those of the split's test file."""
    background: str | None
    """The label of clips in which nothing is annotated."""
    feature_spec: Mapping[str, Any]
    """What the features were made with."""


@dataclass(frozen=True)
class Files:
    """What a command line says about where clips and features are."""

    source: Path
    features: Path | None = None
    audio: Path | None = None
    manifest: Path | None = None


def load_parts(files: Files, split: str | None, labels: Sequence[str] = (), actions_only: bool = False) -> Parts:
    """The parts of a rendered world, an own-clips CSV or a folder of ARGO1M's files.

    Args:
        split: what is held out: a split of ARGO1M or of the world by name, 'SCENARIO/LOCATION' of own clips; None holds
            nothing out.
        labels: the classes in order; the source's own when none are given.
        actions_only: leave the background out.

    Raises:
        UsageError: the source is none of these, or an option is missing or does not fit it.
        EgoactError: a file cannot be read, a part is empty, a label is unknown, or domains overlap.
    """
    if not files.source.exists():
        raise UsageError(f"{files.source}: there is no such file or folder")
    world = world_folder(files.source)
    if world is None and files.source.is_dir():
        return _argo1m(files, split)
    if files.audio is not None or files.manifest is not None:
        raise UsageError("--audio and --manifest are for ARGO1M; other sources have their sound in the feature store")
    if files.features is None:
        raise UsageError("name the feature store: --features DIR")
    store = FeatureStore.open(files.features)
    return (
        _world(world, store, split, actions_only) if world else _own(files.source, store, split, labels, actions_only)
    )


def _argo1m(files: Files, split: str | None) -> Parts:
    suffixes = [suffix for suffix in (".csv", ".beton") if split_files(files.source, suffix)]
    if not suffixes:
        raise UsageError(f"{files.source}: holds neither ARGO1M's files (Ar_ITA_train.csv ...) nor a rendered world")
    if split is None:
        raise UsageError("name the split: --split Ar_ITA")
    if suffixes[0] == ".csv" and files.features is None:
        raise UsageError("name the features of the CSV files' videos: --features DIR")
    features = files.features if suffixes[0] == ".csv" else None
    clips = Argo1mSource(files.source, features, files.audio, files.manifest).load(split_named(split).code)
    spec = FeatureStore.open(features).spec if features is not None and is_store(features) else {"video": "Ego4D's"}
    return Parts("argo1m", clips.train, clips.source, clips.test, clips.test, None, spec)


def _world(folder: Path, store: FeatureStore, split: str | None, actions_only: bool) -> Parts:
    videos = {video.name: video for video in read_videos_csv(folder / "videos.csv")}
    clips = _live(folder / "annotations.csv", store, list(videos), actions_only)
    labels = WORLD_ACTIONS if actions_only else (*WORLD_ACTIONS, IDLE_LABEL)
    table = live_table(folder.name, store, clips, labels, {name: video.domain for name, video in videos.items()})
    role_of: Mapping[Domain, str | None] = {video.domain: "train" for video in videos.values()}
    if split is not None:
        names = {name.lower(): name for name in SPLITS}
        if split.lower() not in names:
            raise UsageError(f"split '{split}': there is none; take one of {', '.join(SPLITS)}")
        role_of = split_roles(names[split.lower()])
    role = np.array([role_of[videos[clip.video].domain] or "" for clip in clips])
    wearers = held_out_wearers([v for v in videos.values() if role_of[v.domain] == "train"], WEARERS_SEED)
    unseen = np.array([videos[clip.video].wearer in wearers for clip in clips])
    return _parts(table, clips, role == "train", unseen, role == "test", store, "world")


def _own(csv: Path, store: FeatureStore, split: str | None, labels: Sequence[str], actions_only: bool) -> Parts:
    annotations = read_clips_csv(csv)
    found = sorted({a.label for rows in annotations.values() for a in rows} - {IDLE_LABEL})
    names = tuple(labels) or (*found, *(() if actions_only else (IDLE_LABEL,)))
    clips = _live(csv, store, list(annotations), IDLE_LABEL not in names)
    domains = {video: video_domain(rows) for video, rows in annotations.items()}
    table = live_table(csv.name, store, clips, names, domains)
    train, test = np.ones(len(clips), bool), np.zeros(len(clips), bool)
    if split is not None:
        scenario, slash, location = split.rpartition("/")
        if not slash:
            raise UsageError(f"split '{split}': write what is held out as SCENARIO/LOCATION")
        trained, tested = hold_out(table.facts, scenario, location)
        train, test = np.isin(np.arange(len(clips)), trained), np.isin(np.arange(len(clips)), tested)
    unseen = np.zeros(len(clips), bool)
    unseen[train] = source_videos(table.select(train).facts)
    return _parts(table, clips, train, unseen, test, store, "own")


def _parts(
    table: ClipTable,
    clips: Sequence[LiveClip],
    train: NDArray[np.bool_],
    unseen: NDArray[np.bool_],
    test: NDArray[np.bool_],
    store: FeatureStore,
    kind: Kind,
) -> Parts:
    """Training leaves out clips whose centre lies so close to a boundary that the label is in doubt."""
    clear = np.array([clip.boundary_s >= BOUNDARY_S for clip in clips])
    parts = Parts(
        kind=kind,
        train=table.select(train & ~unseen & clear),
        validation=table.select(train & unseen) if (train & unseen).any() else None,
        test=table.select(test) if test.any() else None,
        everything=table,
        background=IDLE_LABEL if IDLE_LABEL in table.facts.label_names else None,
        feature_spec=store.spec,
    )
    if parts.test is not None:
        require_disjoint(parts.train.facts, parts.test.facts)
    return parts


def _live(csv: Path, store: FeatureStore, videos: Sequence[str], actions_only: bool) -> list[LiveClip]:
    annotations, spec = read_clips_csv(csv), WindowSpec()
    return [
        clip
        for name in videos
        for clip in live_clips(name, annotations.get(name, ()), store.video(name).start_tick.tolist(), spec, IDLE_LABEL)
        if not (actions_only and clip.label == IDLE_LABEL)
    ]
