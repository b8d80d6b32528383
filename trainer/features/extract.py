"""Recorded clips -> rows of frozen features: every row through the video backbone, its sound through the audio one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.clip_windows import replay_events
from edge.contract import NS_PER_S, WindowSpec
from edge.errors import SourceError
from edge.recognizer import MIN_COVERAGE
from trainer.features.backbones import AudioBackbone, BeatsAudio, SlowFastVideo, VideoBackbone, torch_on
from trainer.features.prefetch import prefetched
from trainer.features.sound import read_sound
from trainer.features.store import VideoFeatures
from trainer.features.windows import RowInput, row_inputs
from trainer.models.beats import Beats
from trainer.models.fbank import Fbank
from trainer.models.video_net import VideoNet


class SoundRows(NamedTuple):
    """The sound of N rows."""

    audio: NDArray[np.float32]
    """float32 [N, D]"""
    coverage: NDArray[np.float32]
    """float32 [N], share of the window for which there was sound (0..1)."""
    scores: NDArray[np.float32] | None
    """float32 [N, classes]; None without a classifier."""


def extract_video(
    path: Path, spec: WindowSpec, video_net: VideoNet, fbank: Fbank, beats: Beats, batch_rows: int = 8
) -> VideoFeatures:
    """Features of all rows of a clip, in float32; the networks must be in eval mode.

    A row without sound (too little of its window covered, or exact zeros) gets zeros, as the runtime does it.

    Raises:
        SourceError: the clip cannot be read or has no frame.
    """
    rows = row_inputs(replay_events(path, spec), spec)
    video, audio = SlowFastVideo(video_net, torch_on("cpu")), BeatsAudio(fbank, beats, torch_on("cpu"))
    return extract_rows(path, rows, spec, video, audio, batch_rows)


def extract_rows(
    path: Path,
    rows: Iterable[RowInput],
    spec: WindowSpec,
    video: VideoBackbone,
    audio: AudioBackbone | None,
    batch_rows: int = 8,
    scores: bool = False,
    on_rows: Callable[[int], None] = lambda count: None,
) -> VideoFeatures:
    """Features of the rows of one video; the next rows are decoded while the networks work.

    Args:
        path: the clip, for messages.
        rows: in time order.
        audio: None leaves the sound out (width 0).
        batch_rows: rows that go through the networks together.
        scores: also the scores of the backbones' classifiers, where they have one.
        on_rows: called with the number of rows of every finished batch.

    Raises:
        SourceError: there is no row, or the source of the rows fails.
    """
    batches = []
    for batch in prefetched(_batches(rows, batch_rows)):
        batches.append(_features(batch, spec, video, audio, scores))
        on_rows(len(batch))
    if not batches:
        raise SourceError(f"{path}: holds no frame; record or convert the clip again")
    return _joined(batches)


def sound_features(
    samples: NDArray[np.float32], coverage: NDArray[np.float64], audio: AudioBackbone | None
) -> SoundRows:
    """Features of N windows of sound; zeros where too little of the window is covered or nothing is heard.

    Args:
        samples: float32 [N, n] at 16 kHz.
        coverage: float64 [N], share of each window for which there is a track.
        audio: None gives features of width 0.
    """
    # A muted microphone and an empty track give exact zeros: that is no sound, not silence.
    heard = np.where(samples.any(axis=1), coverage, 0.0)
    audible = heard >= MIN_COVERAGE
    features = np.zeros((len(samples), 0 if audio is None else audio.dim), np.float32)
    scores = None if audio is None or audio.classes is None else np.zeros((len(samples), audio.classes), np.float32)
    if audio is not None and audible.any():
        outputs = audio(samples[audible])
        features[audible] = outputs.audio
        if scores is not None and outputs.scores is not None:
            scores[audible] = outputs.scores
    return SoundRows(features, heard.astype(np.float32), scores)


def extract_clip_sounds(
    path: Path,
    clips: Sequence[tuple[int, int]],
    row_starts: Sequence[int],
    spec: WindowSpec,
    audio: AudioBackbone,
) -> SoundRows:
    """The sound of arbitrary clips of rows, each over its own extent: [16 s / 30, (16 e + 32) / 30] seconds.

    Args:
        path: the video.
        clips: (first, last) row of every clip, as ARGO1M's action_start_feature_idx and action_end_feature_idx.
        row_starts: first grid tick of every row of the video (WindowSpec.row_starts).
        audio: a backbone that takes windows of any length, such as `BeatsAudio` on PyTorch.

    Raises:
        SourceError: the video cannot be opened.
        ValueError: a clip's rows are not in the video.
    """
    sound = read_sound(path, spec)
    windows = [sound.clip_window(first, last, row_starts, spec) for first, last in clips]
    rows = [sound_features(w.samples[None], np.array([w.coverage]), audio) for w in windows]
    if not rows:
        return SoundRows(np.zeros((0, audio.dim), np.float32), np.zeros(0, np.float32), None)
    return SoundRows(
        np.concatenate([row.audio for row in rows]),
        np.concatenate([row.coverage for row in rows]),
        _joined_scores([row.scores for row in rows]),
    )


def _features(
    rows: Sequence[RowInput], spec: WindowSpec, video: VideoBackbone, audio: AudioBackbone | None, scores: bool
) -> VideoFeatures:
    starts = [row.start_tick for row in rows]
    seen = video(np.stack([row.frames for row in rows]))
    coverage = np.array([row.audio_coverage for row in rows])
    heard = sound_features(np.stack([row.samples for row in rows]), coverage, audio)
    return VideoFeatures(
        start_tick=np.array(starts, np.int64),
        t_start_s=np.array([spec.tick_ns(tick) / NS_PER_S for tick in starts]),
        appearance=seen.appearance,
        motion=seen.motion,
        audio=heard.audio,
        audio_coverage=heard.coverage,
        video_scores=seen.scores if scores else None,
        audio_scores=heard.scores if scores else None,
    )


def _joined(batches: Sequence[VideoFeatures]) -> VideoFeatures:
    return VideoFeatures(
        start_tick=np.concatenate([batch.start_tick for batch in batches]),
        t_start_s=np.concatenate([batch.t_start_s for batch in batches]),
        appearance=np.concatenate([batch.appearance for batch in batches]),
        motion=np.concatenate([batch.motion for batch in batches]),
        audio=np.concatenate([batch.audio for batch in batches]),
        audio_coverage=np.concatenate([batch.audio_coverage for batch in batches]),
        video_scores=_joined_scores([batch.video_scores for batch in batches]),
        audio_scores=_joined_scores([batch.audio_scores for batch in batches]),
    )


def _joined_scores(parts: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else None


def _batches(rows: Iterable[RowInput], size: int) -> Iterator[Sequence[RowInput]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
