"""The first half of a build: render the world, decode its pretraining clips, pretrain both backbones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save

from edge.whole_file import write_whole_file
from trainer.build_plan import LABELS, SPEC, BuildPlan
from trainer.data.clips_csv import read_clips_csv
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.write import write_world
from trainer.data.world_csv import WorldVideo, read_sounds_csv, read_videos_csv
from trainer.features.frame_cache import decode_clip
from trainer.models.beats import Beats, beats_small
from trainer.models.slowfast import slowfast_small
from trainer.models.video_net import VideoNet
from trainer.pretrain_audio import SoundTrack, pretrain_audio
from trainer.pretrain_video import pretrain_video
from trainer.pretrain_windows import PretrainClip

Log = Callable[[str], None]
PRETRAIN_WORLD, SPLIT_WORLD = "pretrain", "splits"
"""Folders of the two parts of the world: the backbones' domains, and the domains of the held-out splits."""


def render(plan: BuildPlan, world: Path, workers: int) -> None:
    """Render both parts of the world; finished videos in `world` are kept."""
    parts = (
        (PRETRAIN_WORLD, plan.pretrain_domains, plan.pretrain_videos),
        (SPLIT_WORLD, plan.split_domains, plan.split_videos),
    )
    for name, domains, videos in parts:
        write_world(
            world / name,
            seed=plan.seed,
            videos_per_domain=videos,
            duration_s=plan.video_s,
            domains=domains,
            workers=workers,
        )


def decode(world: Path, folder: Path, log: Log) -> None:
    """Decode every pretraining clip once, through the runtime's source, at the size that the backbone sees."""
    videos = read_videos_csv(world / PRETRAIN_WORLD / "videos.csv")
    for number, video in enumerate(videos, 1):
        decode_clip(world / PRETRAIN_WORLD / video.path, SPEC, folder)
        if number % 8 == 0 or number == len(videos):
            log(f"decoded {number} of {len(videos)} clips")


def train_video_backbone(plan: BuildPlan, world: Path, frames: Path, folder: Path, log: Log) -> None:
    """Pretrain the video backbone; writes `video.safetensors` and `metrics.json`."""
    annotations = read_clips_csv(world / PRETRAIN_WORLD / "annotations.csv")
    videos = read_videos_csv(world / PRETRAIN_WORLD / "videos.csv")
    held_out = held_out_wearers(videos, plan.seed)

    def clips(validation: bool) -> list[PretrainClip]:
        chosen = [v for v in videos if (v.wearer in held_out) == validation]
        decoded = [decode_clip(world / PRETRAIN_WORLD / v.path, SPEC, frames) for v in chosen]
        return [PretrainClip(v.name, d, annotations.get(v.name, ())) for v, d in zip(chosen, decoded, strict=True)]

    net, accuracy = pretrain_video(clips(False), clips(True), LABELS, IDLE_LABEL, SPEC, plan.video, log)
    write_whole_file(folder / "video.safetensors", save(net.state_dict()))
    _write_json(folder / "metrics.json", {"mean_class_accuracy": accuracy, "held_out_wearers": sorted(held_out)})


def train_audio_backbone(plan: BuildPlan, world: Path, frames: Path, folder: Path, log: Log) -> None:
    """Pretrain the audio backbone; writes `audio.safetensors` and `metrics.json`."""
    events = read_sounds_csv(world / PRETRAIN_WORLD / "sounds.csv")
    videos = read_videos_csv(world / PRETRAIN_WORLD / "videos.csv")
    held_out = held_out_wearers(videos, plan.seed)

    def tracks(validation: bool) -> list[SoundTrack]:
        return [
            SoundTrack(v.name, decode_clip(world / PRETRAIN_WORLD / v.path, SPEC, frames).samples, events[v.name])
            for v in videos
            if (v.wearer in held_out) == validation
        ]

    train = tracks(False)
    sounds = sorted({event.sound for track in train for event in track.events})
    beats, precision = pretrain_audio(train, tracks(True), sounds, SPEC, plan.audio, log)
    write_whole_file(folder / "audio.safetensors", save(beats.state_dict()))
    _write_json(folder / "metrics.json", {"mean_average_precision": precision, "sounds": sounds})


def load_video_backbone(folder: Path) -> VideoNet:
    """The video backbone of `train_video_backbone`, in eval mode."""
    net = VideoNet(slowfast_small(num_classes=len(LABELS), crop_px=SPEC.frame_size_px))
    net.load_state_dict(load_file(folder / "video.safetensors"))
    return net.eval()


def load_audio_backbone(folder: Path) -> Beats:
    """The audio backbone of `train_audio_backbone`, in eval mode."""
    sounds = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["sounds"]
    beats = beats_small(num_classes=len(sounds))
    beats.load_state_dict(load_file(folder / "audio.safetensors"))
    return beats.eval()


def held_out_wearers(videos: Sequence[WorldVideo], seed: int) -> set[str]:
    """One wearer of every location that has several: their videos validate and are never trained on."""
    rng = np.random.default_rng([seed, 7])
    held_out = set()
    for location in sorted({video.location for video in videos}):
        wearers = sorted({video.wearer for video in videos if video.location == location})
        if len(wearers) > 1:
            held_out.add(wearers[int(rng.integers(len(wearers)))])
    return held_out


def _write_json(path: Path, values: dict[str, object]) -> None:
    write_whole_file(path, json.dumps(values, indent=1, sort_keys=True).encode())
