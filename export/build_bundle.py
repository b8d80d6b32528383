"""`egoact build-bundle`: rebuild the shipped bundle from nothing. The stages stand in `build`, top to bottom.

render -> decode -> pretrain video and audio -> features -> heads -> temperature -> ONNX and manifest -> check
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch

from edge.annotations import read_annotations
from edge.bundle import Thresholds, load_bundle
from edge.engines.load import load_engines
from edge.errors import UsageError
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.score import Score, merge, score_run
from edge.sources.replay import ReplaySource
from export.backbones import of_beats, of_video_net
from export.confidence import Confidence, fit_confidence
from export.export_bundle import Parts, export_bundle
from export.head_rows import head_rows
from export.install import install
from trainer.build_backbones import (
    SPLIT_WORLD,
    decode,
    load_audio_backbone,
    load_video_backbone,
    render,
    train_audio_backbone,
    train_video_backbone,
)
from trainer.build_heads import extract_features, head_clips, split_clips, train_head
from trainer.build_plan import FULL_MINUTES, LABELS, SPEC, BuildPlan, plan_for
from trainer.build_stages import Stages
from trainer.checkpoint import CheckpointConfig, load_checkpoint
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.domains import SPLITS
from trainer.data.world.script import RENDER_VERSION
from trainer.data.world_csv import read_videos_csv
from trainer.features.recipe import SMALL
from trainer.features.store import FeatureStore
from trainer.weights.folder import sha256_of

Log = Callable[[str], None]


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = "Render the built-in world, train on it, write the bundle. Goes on where it stopped."
    parser.epilog = "example: egoact build-bundle --out build/bundle"
    parser.add_argument("--out", type=Path, required=True, help="folder for the bundle")
    parser.add_argument("--work", type=Path, help="folder for everything in between (default: OUT-work)")
    parser.add_argument("--world", type=Path, help="folder of the rendered world (default: WORK/world)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bundle (default 0)")
    parser.add_argument(
        "--minutes",
        type=int,
        default=FULL_MINUTES,
        help=f"scales the pretraining; {FULL_MINUTES} is the full build, which takes less than that on two cores",
    )
    parser.add_argument("--install", action="store_true", help="put bundle and demo clip into edge/assets")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor threads")


def run(args: argparse.Namespace) -> int:
    """Build, and print the score on the held-out domain."""
    if args.minutes < 1 or args.threads < 1:
        raise UsageError("--minutes and --threads must be at least 1")
    work = args.work or args.out.with_name(args.out.name + "-work")
    started = time.monotonic()

    def log(line: str) -> None:
        print(f"[{time.monotonic() - started:6.0f} s] {line}", flush=True)

    plan = plan_for(args.minutes, args.seed, bf16=_computes_in_bf16())
    build(plan, args.out, work, args.world, args.threads, log)
    if args.install:
        log(f"installed, with the demo clip {install(args.out, args.world or work / 'world', plan.demo_split).name}")
    return 0


def build(plan: BuildPlan, out: Path, work: Path, world: Path | None, threads: int, log: Log) -> Score:
    """All stages in order; returns the score of the finished bundle on the demo split's test domain.

    Args:
        out: gets the bundle. work: keeps what each stage made. world: of the rendered videos, None for WORK/world.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    stages = Stages(work, log)
    world = world or work / "world"
    worldly = {
        "seed": plan.seed,
        "pretrain": [list(plan.pretrain_domains), plan.pretrain_videos],
        "splits": [list(plan.split_domains), plan.split_videos],
        "video_s": plan.video_s,
        "renderer": RENDER_VERSION,
    }

    in_world = Stages(world, log)  # its mark lies with the videos, so that a world may move or be shared
    rendered = in_world.run("render", worldly, lambda _: render(plan, world, threads))
    frames = stages.run("decode", {"from": rendered.name, "window": asdict(SPEC)}, lambda f: decode(world, f, log))
    video = stages.run(
        "pretrain-video",
        {"from": frames.name, **asdict(plan.video)},
        lambda f: train_video_backbone(plan, world, frames, f, log),
    )
    audio = stages.run(
        "pretrain-audio",
        {"from": frames.name, **asdict(plan.audio)},
        lambda f: train_audio_backbone(plan, world, frames, f, log),
    )
    features = stages.run(
        "features",
        {"from": [rendered.name, video.name, audio.name]},
        lambda f: extract_features(world, video, audio, f, log),
    )
    heads: dict[str, Path] = {}
    for split in plan.splits:
        heads[split] = stages.run(
            f"head-{split}",
            {"from": features.name, "split": split, "seed": plan.seed, **asdict(plan.head)},
            partial(train_head, plan, world, features, split, log=log),
        )
    bundle = stages.run(
        "bundle",
        {"from": [heads[split].name for split in plan.splits], "demo": plan.demo_split},
        lambda f: write_shipped_bundle(
            plan, world, video, audio, features, heads, in_world.seconds | stages.seconds, threads, f, log
        ),
    )
    out.mkdir(parents=True, exist_ok=True)
    for file in ("video.onnx", "fbank.onnx", "audio.onnx", "head.onnx", "bundle.json"):
        shutil.copyfile(bundle / file, out / file)
    score = check_on_held_out_domain(plan, out, world, threads)
    log(f"held-out domain {'/'.join(SPLITS[plan.demo_split])}: {json.dumps(score.to_json()['rows'])}")
    log(f"segments: {json.dumps(score.to_json()['segments'])}")
    seconds = in_world.seconds | stages.seconds
    log(f"seconds of the stages: {json.dumps(seconds)}, {sum(seconds.values()) / 60:.1f} minutes in all")
    return score


def write_shipped_bundle(
    plan: BuildPlan,
    world: Path,
    video: Path,
    audio: Path,
    features: Path,
    heads: dict[str, Path],
    seconds: dict[str, float],
    threads: int,
    folder: Path,
    log: Log,
) -> None:
    """Temperature and unknown threshold on the validation clips, the four graphs, the manifest."""
    store = FeatureStore.open(features)
    head, config = load_checkpoint(heads[plan.demo_split])
    validation = head_clips(plan, world, store, split_clips(plan, world, store, plan.demo_split).validation)
    confidence = fit_confidence(head, validation)
    log(confidence.describe())
    parts = Parts(
        video=of_video_net(load_video_backbone(video), SMALL, sha256_of(video / "video.safetensors")),
        audio=of_beats(load_audio_backbone(audio), SMALL, sha256_of(audio / "audio.safetensors")),
        head=head_rows(head, config.head),
        labels=LABELS,
        background=IDLE_LABEL,
        temperature=confidence.temperature,
        thresholds=Thresholds(unknown=confidence.unknown),
        provenance=_provenance(plan, config, heads, seconds, confidence),
    )
    export_bundle(parts, folder, log, threads)


def check_on_held_out_domain(plan: BuildPlan, bundle_path: Path, world: Path, threads: int) -> Score:
    """Replay the test domain's videos through the finished bundle, as the device would, and score them."""
    bundle = load_bundle(bundle_path)
    engines = load_engines(bundle, threads=threads)
    truth = read_annotations(world / SPLIT_WORLD / "annotations.csv")
    videos = read_videos_csv(world / SPLIT_WORLD / "videos.csv")
    scores = []
    try:
        for video in [v for v in videos if v.domain == SPLITS[plan.demo_split]]:
            recognizer = Recognizer(bundle, engines, temperature=bundle.temperatures["f32"])
            source = ReplaySource(world / SPLIT_WORLD / video.path, bundle.window, pace="fast")
            result = Pipeline(source, recognizer, pace="fast").run()
            scores.append(score_run(result, truth.get(video.name, ())))
    finally:
        engines.close()
    return merge(scores)


def _provenance(
    plan: BuildPlan,
    config: CheckpointConfig,
    heads: dict[str, Path],
    seconds: dict[str, float],
    confidence: Confidence,
) -> dict[str, Any]:
    return {
        "name": f"built-in world, split {plan.demo_split}",
        "seed": plan.seed,
        "world": {
            "pretraining_domains": ["/".join(d) for d in plan.pretrain_domains],
            "videos_per_pretraining_domain": plan.pretrain_videos,
            "other_domains": len(plan.split_domains),
            "videos_per_other_domain": plan.split_videos,
            "seconds_per_video": plan.video_s,
        },
        "split": {"name": plan.demo_split, "held_out": "/".join(SPLITS[plan.demo_split])},
        "method": config.method,
        "settings": {"video": asdict(plan.video), "audio": asdict(plan.audio), "head": asdict(plan.head)},
        "data_sha256": config.data_sha256,
        "metrics": {split: load_checkpoint(folder)[1].metrics for split, folder in heads.items()},
        "calibration": confidence._asdict(),
        "seconds": seconds,
    }


def _computes_in_bf16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere autocast would be slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
