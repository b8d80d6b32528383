"""The built-in world's splits for the tables: its action clips, as ARGO1M has no background either."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, WindowSpec
from edge.errors import AnnotationError
from trainer.build_backbones import held_out_wearers
from trainer.build_heads import BOUNDARY_S
from trainer.data.clip_table import ClipTable
from trainer.data.clips_csv import Annotation, LiveClip, annotation_at, live_clips, read_clips_csv
from trainer.data.domain_split import require_disjoint
from trainer.data.own_table import live_table
from trainer.data.world.actions import IDLE_LABEL, LABELS
from trainer.data.world.domains import SPLITS, split_roles
from trainer.data.world_csv import WorldVideo, read_videos_csv
from trainer.features.store import FeatureStore
from trainer.tables.split_clips import SplitClips

WEARERS_SEED = 0
"""Decides whose videos no training sees."""


@dataclass(frozen=True)
class WorldSource:
    """A rendered world and the features of its videos."""

    folder: Path
    features: Path

    kind: Literal["world"] = "world"

    @property
    def description(self) -> str:
        return (
            "The built-in world, its action clips only (ARGO1M has no background). Training leaves out clips whose"
            f" centre lies within {BOUNDARY_S:g} s of an action's start or end, and all videos of one wearer a"
            " location; tests leave out nothing. Domains that the backbones were pretrained on are not used."
        )

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(SPLITS)

    def load(self, split: str) -> SplitClips:
        """Source clips are those of wearers that training never sees."""
        world = _read_world(self.folder, self.features)
        facts, roles = world.table.facts, split_roles(split)
        role = np.array([roles[video.domain] or "" for video in world.videos])[facts.video]
        held_out = held_out_wearers([v for v in world.videos if roles[v.domain] == "train"], WEARERS_SEED)
        kept_out = np.array([video.wearer in held_out for video in world.videos])[facts.video]
        train = (role == "train") & ~kept_out & (world.boundary_s >= BOUNDARY_S)
        test = role == "test"
        clips = SplitClips(
            train=world.table.select(train),
            source=world.table.select((role == "train") & kept_out),
            test=world.table.select(test),
            onscreen=world.onscreen[test],
        )
        require_disjoint(clips.train.facts, clips.test.facts)
        return clips


def world_folder(path: Path) -> Path | None:
    """The folder with the tables of the split domains: `path`, or `path`/splits as a build renders it; else None."""
    for folder in (path, path / "splits"):
        if (folder / "annotations.csv").is_file() and (folder / "videos.csv").is_file():
            return folder
    return None


@dataclass(frozen=True)
class _World:
    """All action clips of the split domains."""

    table: ClipTable
    boundary_s: NDArray[np.float64]
    """float64 [n], seconds from a clip's centre to the nearest start or end of an action."""
    onscreen: NDArray[np.bool_]
    """bool [n], whether the sound of the clip's action is heard, or another one from off screen."""
    videos: tuple[WorldVideo, ...]
    """In the order of the table's `video_names`."""


@lru_cache(maxsize=1)
def _read_world(folder: Path, features: Path) -> _World:
    annotations = read_clips_csv(folder / "annotations.csv")
    videos = {video.name: video for video in read_videos_csv(folder / "videos.csv")}
    store, spec = FeatureStore.open(features), WindowSpec()
    clips = [
        clip
        for name in videos
        for clip in live_clips(name, annotations.get(name, ()), store.video(name).start_tick.tolist(), spec, IDLE_LABEL)
        if clip.label != IDLE_LABEL
    ]
    table = live_table(folder.name, store, clips, LABELS, {name: video.domain for name, video in videos.items()})
    return _World(
        table,
        np.array([clip.boundary_s for clip in clips]),
        _onscreen(clips, annotations, folder / "annotations.csv"),
        tuple(videos[name] for name in table.facts.video_names),
    )


def _onscreen(
    clips: list[LiveClip], annotations: Mapping[str, tuple[Annotation, ...]], path: Path
) -> NDArray[np.bool_]:
    flags = _read_onscreen(path)
    found = []
    for clip in clips:
        action = annotation_at(annotations[clip.video], clip.centre_ns)
        assert action is not None, "a clip with a label lies in an annotation"
        found.append(flags[clip.video, action.start_ns])
    return np.array(found, bool)


def _read_onscreen(path: Path) -> dict[tuple[str, int], bool]:
    """(video, start in ns) -> `sound_onscreen`, a column that only the built-in world has."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "sound_onscreen" not in rows[0]:
        raise AnnotationError(f"{path}: no column 'sound_onscreen'; render the world again")
    return {
        (row["video"].rpartition("/")[2], round(float(row["start_s"]) * NS_PER_S)): row["sound_onscreen"] == "1"
        for row in rows
    }
