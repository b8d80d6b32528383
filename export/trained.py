"""The parts of a bundle whose head was trained here: checkpoint, the backbones of its features, its confidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import Thresholds
from edge.errors import UsageError
from export.backbones import AudioBackbone, VideoBackbone, audio_backbone, video_backbone
from export.confidence import Confidence, fit_confidence
from export.errors import ExportError
from export.export_bundle import Log, Parts
from export.head_rows import head_rows
from trainer.checkpoint import WEIGHTS, CheckpointConfig, load_checkpoint
from trainer.loop.head_clips import HeadClips, Narrations
from trainer.methods.method import Method
from trainer.parts import Files, load_parts
from trainer.weights.folder import sha256_of

WINDOW_FIELDS = ("frame_rate_hz", "row_frames", "hop_frames", "clip_rows", "frame_size_px", "audio_rate_hz")
"""Of the features' window numbers, those that must be the backbone's."""


def trained_parts(
    checkpoint: Path,
    video: str | None,
    audio: str | None,
    clips: Path | None,
    features: Path | None,
    name: str | None,
    log: Log,
) -> Parts:
    """Load the head and its backbones, and check that they belong together.

    Args:
        checkpoint: folder that `egoact train` wrote.
        video, audio: as `video_backbone` and `audio_backbone` take them; None: those of the head's features.
        clips, features: what the head was trained on; its validation clips give the temperature. None: it is 1.

    Raises:
        ExportError: widths, window or weights are not those that the head was trained with.
        UsageError: a backbone must be named.
        EgoactError: a file is missing, changed or refused.
    """
    method, config = load_checkpoint(checkpoint)
    sight = video_backbone(video or _named(config, "video"))
    hearing = audio_backbone(audio or _named(config, "audio"))
    for problem in (
        _misfit(config, sight, hearing),
        _foreign(config, "video", sight),
        _foreign(config, "audio", hearing),
    ):
        if problem is not None:
            raise ExportError(f"{checkpoint}: {problem}")
    confidence = _confidence(method, config, clips, features)
    log(confidence.describe())
    split = f", split {config.split}" if config.split else ""
    return Parts(
        video=sight,
        audio=hearing,
        head=head_rows(method, config.head),
        labels=config.labels,
        background=config.background,
        temperature=confidence.temperature,
        thresholds=Thresholds(unknown=confidence.unknown),
        provenance={
            "name": name or f"{checkpoint.resolve().name}{split}",
            "method": config.method,
            "hyper": dict(config.hyper),
            "split": config.split,
            "seed": config.seed,
            "settings": dict(config.settings),
            "metrics": dict(config.metrics),
            "data_sha256": config.data_sha256,
            "head_sha256": sha256_of(checkpoint / WEIGHTS),
            "features": dict(config.feature_spec),
            "calibration": confidence._asdict(),
        },
    )


def _named(config: CheckpointConfig, part: str) -> str:
    made_with = config.feature_spec.get(part)
    if isinstance(made_with, Mapping) and made_with.get("name"):
        return str(made_with["name"])
    raise UsageError(f"the head's features do not say which {part} backbone made them: name it with --{part}")


def _misfit(config: CheckpointConfig, video: VideoBackbone, audio: AudioBackbone) -> str | None:
    rows = video.window.clip_rows
    given = (rows * video.appearance_dim, rows * video.motion_dim, audio.dim)
    head = (config.head.appearance_dim, config.head.motion_dim, config.head.audio_dim)
    for what, width, expected in zip(("appearance", "motion", "audio"), given, head, strict=True):
        # A head that was trained without sound takes any audio backbone: it never looks at it.
        if width != expected and not (what == "audio" and expected == 0):
            backbone, option = (audio, "--audio") if what == "audio" else (video, "--video")
            return (
                f"the head takes {expected} values of {what}, {backbone.name} gives {width}; name the backbone of its "
                f"features with {option}"
            )
    window: Any = config.feature_spec.get("window")
    if isinstance(window, Mapping):
        for field in WINDOW_FIELDS:
            number = getattr(video.window, field)
            if window.get(field, number) != number:
                return f"its features have {field} {window[field]}, {video.name} has {number}; take the same backbone"
    return None


def _foreign(config: CheckpointConfig, part: str, backbone: VideoBackbone | AudioBackbone) -> str | None:
    made_with = config.feature_spec.get(part)
    name, known = (made_with.get("name"), made_with.get("sha256")) if isinstance(made_with, Mapping) else (None, None)
    if known is None or known == backbone.sha256:
        return None
    return (
        f"its features were made with {name} {known[:12]}, the {part} backbone given is {backbone.name} "
        f"{backbone.sha256[:12]}; give that file with --{part}, or extract features and train again"
    )


def _confidence(method: Method, config: CheckpointConfig, clips: Path | None, features: Path | None) -> Confidence:
    if clips is None:
        return Confidence()
    files = Files(clips, features)
    table = load_parts(files, config.split or None, config.labels, actions_only=config.background is None).validation
    if table is None:
        return Confidence()
    table.require_finite()
    untold = Narrations(np.zeros((1, 1, config.head.text_dim), np.float32), np.zeros(len(table.facts.texts), np.int64))
    return fit_confidence(method, HeadClips(table, untold))
