"""The second half of a build: features of the split domains, then one head a held-out split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.build_backbones import SPLIT_WORLD, held_out_wearers, load_audio_backbone, load_video_backbone
from trainer.build_plan import LABELS, SPEC, BuildPlan
from trainer.checkpoint import CheckpointConfig, save_checkpoint
from trainer.data.clips_csv import LiveClip, live_clips, read_clips_csv
from trainer.data.own_table import live_table
from trainer.data.table_hash import table_sha256
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.domains import split_roles
from trainer.data.world_csv import read_videos_csv
from trainer.evaluate import as_json, evaluate, softmax
from trainer.features.extract import extract_video
from trainer.features.store import FeatureStore
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips, embed_narrations
from trainer.loop.predict import masked_logits
from trainer.methods.method import Method
from trainer.models.fbank import Fbank
from trainer.narration.hashed_text import HashedText

Log = Callable[[str], None]
BOUNDARY_S = 0.2
"""Training clips whose centre lies closer to a boundary are left out: annotators mark it no better than that."""


@dataclass(frozen=True)
class SplitClips:
    """The clips of one held-out split, by role."""

    train: tuple[LiveClip, ...]
    validation: tuple[LiveClip, ...]
    """Of wearers of the training domains that training never sees; never of the test domain."""
    test: tuple[LiveClip, ...]


def extract_features(world: Path, video_folder: Path, audio_folder: Path, folder: Path, log: Log) -> None:
    """Features of all videos of the split domains into a store at `folder`; goes on where a broken run stopped."""
    video_net, fbank, beats = load_video_backbone(video_folder), Fbank().eval(), load_audio_backbone(audio_folder)
    widths = {
        "appearance": video_net.slowfast.appearance_dim,
        "motion": video_net.slowfast.motion_dim,
        "audio": beats.dim,
    }
    spec = {"window": asdict(SPEC), "video": video_folder.name, "audio": audio_folder.name}
    store = FeatureStore.create(folder, widths, spec)
    videos = read_videos_csv(world / SPLIT_WORLD / "videos.csv")
    for number, video in enumerate(videos, 1):
        if video.name not in store.videos:
            store.append(video.name, extract_video(world / SPLIT_WORLD / video.path, SPEC, video_net, fbank, beats))
        if number % 8 == 0 or number == len(videos):
            log(f"features of {number} of {len(videos)} videos")


def split_clips(plan: BuildPlan, world: Path, store: FeatureStore, split: str) -> SplitClips:
    """All live clips of a split: training domains share neither scenario nor location with the test domain."""
    annotations = read_clips_csv(world / SPLIT_WORLD / "annotations.csv")
    videos = read_videos_csv(world / SPLIT_WORLD / "videos.csv")
    roles = split_roles(split)
    held_out = held_out_wearers([v for v in videos if roles[v.domain] == "train"], plan.seed)
    clips: dict[str, list[LiveClip]] = {"train": [], "validation": [], "test": []}
    for video in videos:
        role = roles[video.domain]
        if role is None:
            continue
        starts = store.video(video.name).start_tick.tolist()
        found = live_clips(video.name, annotations.get(video.name, ()), starts, SPEC, IDLE_LABEL)
        if role == "test":
            clips["test"] += found
        elif video.wearer in held_out:
            clips["validation"] += found
        else:
            clips["train"] += [clip for clip in found if clip.boundary_s >= BOUNDARY_S]
    return SplitClips(tuple(clips["train"]), tuple(clips["validation"]), tuple(clips["test"]))


def head_clips(plan: BuildPlan, world: Path, store: FeatureStore, clips: Sequence[LiveClip]) -> HeadClips:
    """The features, targets and embedded narrations of `clips`."""
    domains = {video.name: video.domain for video in read_videos_csv(world / SPLIT_WORLD / "videos.csv")}
    table = live_table(SPLIT_WORLD, store, clips, LABELS, domains)
    return HeadClips(table, embed_narrations(table.facts.texts, HashedText()), resident=True)


def train_head(plan: BuildPlan, world: Path, features: Path, split: str, folder: Path, log: Log) -> None:
    """Train the head of one split; writes a checkpoint, with the accuracy on validation and test clips."""
    store = FeatureStore.open(features)
    clips = split_clips(plan, world, store, split)
    counts = {"train": len(clips.train), "validation": len(clips.validation), "test": len(clips.test)}
    log(f"{split}: {counts['train']} clips to train, {counts['validation']} to validate, {counts['test']} to test")
    train, validation = (head_clips(plan, world, store, part) for part in (clips.train, clips.validation))
    spec = train.head_spec(hidden=plan.head.hidden, out=plan.head.out)
    result = fit(plan.head.method, {}, spec, train, validation, plan.head.fit, None, log)
    tested = _accuracy(result.method, head_clips(plan, world, store, clips.test)) if clips.test else {}
    metrics = {
        "best_epoch": result.best_epoch,
        "clips": counts,
        "validation": _accuracy(result.method, validation),
        "test": tested,
    }
    config = CheckpointConfig(
        method=plan.head.method,
        hyper={},
        labels=LABELS,
        background=IDLE_LABEL,
        head=spec,
        feature_spec=store.spec,
        split=split,
        seed=plan.head.fit.seed,
        settings=asdict(plan.head.fit),
        metrics=metrics,
        data_sha256=table_sha256(train.table),
    )
    save_checkpoint(folder, result.method, config)
    log(f"{split}: test top-1 " + ", ".join(f"{mode} {figures['top1']:.3f}" for mode, figures in tested.items()))


def _accuracy(method: Method, clips: HeadClips) -> dict[str, dict[str, Any]]:
    """mode -> figures."""
    probabilities = softmax(masked_logits(method, clips))
    return as_json(evaluate(probabilities, clips.labels, LABELS.index(IDLE_LABEL)))
