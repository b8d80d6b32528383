"""Recorded clips -> rows of frozen features: every row through the video backbone, its sound through the audio one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.errors import SourceError
from edge.recognizer import MIN_COVERAGE
from trainer.features.store import VideoFeatures
from trainer.features.windows import RowInput, replay_events, row_inputs
from trainer.models.beats import Beats
from trainer.models.fbank import Fbank
from trainer.models.video_net import VideoNet


@torch.inference_mode()
def extract_video(
    path: Path, spec: WindowSpec, video_net: VideoNet, fbank: Fbank, beats: Beats, batch_rows: int = 8
) -> VideoFeatures:
    """Features of all rows of a clip, in float32; the networks must be in eval mode.

    A row without sound (too little of its window covered, or exact zeros) gets zeros, as the runtime does it.

    Raises:
        SourceError: the clip cannot be read or has no frame.
    """
    starts: list[int] = []
    appearance: list[NDArray[np.float32]] = []
    motion: list[NDArray[np.float32]] = []
    audio: list[NDArray[np.float32]] = []
    coverage: list[float] = []
    for rows in _batches(row_inputs(replay_events(path, spec), spec), batch_rows):
        frames = torch.from_numpy(np.stack([row.frames for row in rows]))
        batch_appearance, batch_motion = video_net(frames)
        starts += [row.start_tick for row in rows]
        appearance.append(batch_appearance.numpy())
        motion.append(batch_motion.numpy())
        heard = np.array([row.audio_coverage if row.samples.any() else 0.0 for row in rows])
        samples = torch.from_numpy(np.stack([row.samples for row in rows]))
        audible = torch.from_numpy(heard >= MIN_COVERAGE)
        batch_audio = torch.zeros(len(rows), beats.dim)
        if audible.any():
            batch_audio[audible] = beats(fbank(samples[audible]))
        audio.append(batch_audio.numpy())
        coverage += heard.tolist()
    if not starts:
        raise SourceError(f"{path}: holds no frame; record or convert the clip again")
    return VideoFeatures(
        start_tick=np.array(starts, np.int64),
        t_start_s=np.array([spec.tick_ns(tick) / 1e9 for tick in starts]),
        appearance=np.concatenate(appearance),
        motion=np.concatenate(motion),
        audio=np.concatenate(audio),
        audio_coverage=np.array(coverage, np.float32),
    )


def _batches(rows: Iterator[RowInput], size: int) -> Iterator[Sequence[RowInput]]:
    while batch := list(itertools.islice(rows, size)):
        yield batch
