"""The parts of a starter bundle: published backbones whose own classifiers give the labels."""

from __future__ import annotations

from pathlib import Path

from export.backbones import audio_backbone, video_backbone
from export.errors import ExportError
from export.export_bundle import Log, Parts
from export.starter_head import NO_SOUND, THRESHOLDS, StarterHead
from export.starter_labels import starter_labels
from trainer.features.recipe import AUDIO_BACKBONES
from trainer.models.beats import Beats
from trainer.models.video_net import VideoNet
from trainer.weights.catalogue import weight
from trainer.weights.folder import locate


def starter_parts(
    video: str, audio: str, action_names: Path | None, sound_names: Path | None, name: str | None, log: Log
) -> Parts:
    """Load both backbones with their classifiers and name their classes.

    Args:
        video, audio: as `video_backbone` and `audio_backbone` take them.
        action_names, sound_names: as of `starter_labels`.

    Raises:
        ExportError: a backbone has no classifier, or the names do not fit.
        EgoactError: a file is missing, changed or refused.
    """
    sight, hearing = video_backbone(video), audio_backbone(audio)
    actions = sight.network.slowfast.num_classes if isinstance(sight.network, VideoNet) else None
    sounds = hearing.network.num_classes if isinstance(hearing.network, Beats) else None
    if not isinstance(sight.network, VideoNet) or actions is None:
        raise ExportError(f"--video {video}: brings no classifier; take a published SlowFast, as slowfast8x8_r50")
    if not isinstance(hearing.network, Beats) or sounds is None:
        raise ExportError(f"--audio {audio}: brings no classifier; take beats_audioset")
    checkpoint = locate(weight(audio)) if audio in AUDIO_BACKBONES else Path(audio)
    labels = starter_labels(checkpoint, actions, sounds, action_names, sound_names)
    log(f"starter: {actions} actions by sight, {sounds} sounds by ear; nothing was fitted")
    return Parts(
        video=sight,
        audio=hearing,
        head=StarterHead(sight.network.slowfast, hearing.network, sight.window.clip_rows).eval(),
        labels=labels,
        background=NO_SOUND,
        temperature=1.0,
        thresholds=THRESHOLDS,
        provenance={"name": name or f"starter, {sight.name} and {hearing.name}", "method": "published classifiers"},
    )
