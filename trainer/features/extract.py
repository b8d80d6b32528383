"""Recorded clips -> rows of frozen features: every row through the video backbone, its sound through the audio one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.errors import SourceError
from edge.recognizer import MIN_COVERAGE
from trainer.features.backbones import AudioBackbone, TorchAudio, TorchVideo, VideoBackbone
from trainer.features.prefetch import prefetched
from trainer.features.store import VideoFeatures
from trainer.features.windows import RowInput, replay_events, row_inputs
from trainer.models.beats import Beats
from trainer.models.fbank import Fbank
from trainer.models.video_net import VideoNet


def extract_video(
    path: Path, spec: WindowSpec, video_net: VideoNet, fbank: Fbank, beats: Beats, batch_rows: int = 8
) -> VideoFeatures:
    """Features of all rows of a clip, in float32; the networks must be in eval mode.

    A row without sound (too little of its window covered, or exact zeros) gets zeros, as the runtime does it.

    Raises:
        SourceError: the clip cannot be read or has no frame.
    """
    rows = row_inputs(replay_events(path, spec), spec)
    return extract_rows(path, rows, spec, TorchVideo(video_net), TorchAudio(fbank, beats), batch_rows)


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
    return VideoFeatures(
        **{
            name: None if first is None else np.concatenate([getattr(batch, name) for batch in batches])
            for name, first in vars(batches[0]).items()
        }
    )


def _features(
    rows: Sequence[RowInput], spec: WindowSpec, video: VideoBackbone, audio: AudioBackbone | None, scores: bool
) -> VideoFeatures:
    starts = [row.start_tick for row in rows]
    seen = video(np.stack([row.frames for row in rows]))
    # A muted microphone and an empty track give exact zeros: that is no sound, not silence.
    heard = np.array([row.audio_coverage if row.samples.any() else 0.0 for row in rows])
    values, audio_scores = _sound_features(np.stack([row.samples for row in rows]), heard >= MIN_COVERAGE, audio)
    return VideoFeatures(
        start_tick=np.array(starts, np.int64),
        t_start_s=np.array([spec.tick_ns(tick) / 1e9 for tick in starts]),
        appearance=seen.appearance,
        motion=seen.motion,
        audio=values,
        audio_coverage=heard.astype(np.float32),
        video_scores=seen.scores if scores else None,
        audio_scores=audio_scores if scores else None,
    )


def _sound_features(
    samples: NDArray[np.float32], audible: NDArray[np.bool_], audio: AudioBackbone | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Features and scores of the audible windows, zeros for the others."""
    if audio is None:
        return np.zeros((len(samples), 0), np.float32), None
    features = np.zeros((len(samples), audio.dim), np.float32)
    scores = None if audio.classes is None else np.zeros((len(samples), audio.classes), np.float32)
    if audible.any():
        outputs = audio(samples[audible])
        features[audible] = outputs.audio
        if scores is not None and outputs.scores is not None:
            scores[audible] = outputs.scores
    return features, scores


def _batches(rows: Iterable[RowInput], size: int) -> Iterator[Sequence[RowInput]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
