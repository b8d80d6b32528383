"""Ego4D's feature files: `<uid>.pt`, one float32 tensor [N, 2304] a video, [slow 2048 | fast 256] a row."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge.contract import NS_PER_S, WindowSpec
from edge.errors import EgoactError, SourceError, UsageError
from edge.preprocess import GridSampler
from edge.sources.container import open_container, pts_ns
from edge.whole_file import write_whole_file
from trainer.features.backbones import AudioBackbone
from trainer.features.extract import sound_features
from trainer.features.sound import read_sound
from trainer.features.store import FeatureStoreError, VideoFeatures
from trainer.features.tasks import Description, Outcome, Task
from trainer.models.checkpoint_file import CheckpointError, read_checkpoint

APPEARANCE, MOTION = 2048, 256
SPEC_FILE = "egoact.json"


def read_ego4d(path: Path) -> NDArray[np.float32]:
    """The rows of one of Ego4D's files, float32 [N, 2304].

    Raises:
        CheckpointError: the file cannot be read, holds more than a tensor, or one of another shape.
    """
    rows: object = read_checkpoint(path)
    if not isinstance(rows, torch.Tensor) or rows.ndim != 2 or rows.shape[1] != APPEARANCE + MOTION or not len(rows):
        shape = tuple(rows.shape) if isinstance(rows, torch.Tensor) else type(rows).__name__
        raise CheckpointError(f"{path}: expected a tensor [N, {APPEARANCE + MOTION}] of SlowFast features, got {shape}")
    return rows.float().numpy()


class Ego4dFolder:
    """Writes `<uid>.pt` files; a file is there whole or not at all."""

    def __init__(self, path: Path, made_with: Mapping[str, Any]) -> None:
        """Raises FeatureStoreError when the folder holds features that were made with something else."""
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        spec, text = path / SPEC_FILE, json.dumps(made_with, indent=1, sort_keys=True)
        if not spec.exists():
            write_whole_file(spec, text.encode())
        elif spec.read_text(encoding="utf-8") != text:
            raise FeatureStoreError(f"{path}: holds features of another spec; give a new folder or delete this one")

    def holds(self, name: str) -> bool:
        return self._file(name).exists()

    def put(self, name: str, features: VideoFeatures) -> None:
        """Write the features of the video called `name`, float32 [N, A + M]."""
        rows = torch.from_numpy(np.concatenate([features.appearance, features.motion], axis=1))
        content = io.BytesIO()  # through memory: a file's own name would become part of its content
        torch.save(rows, content)
        write_whole_file(self._file(name), content.getvalue())

    def _file(self, name: str) -> Path:
        return self._path / f"{Path(name).stem}.pt"


class Ego4dFiles:
    """A pool that reads Ego4D's files instead of videos, and adds the sound of the videos where they are given.

    A file does not say how long its video is: without the video the last row, which ends with the video, is placed on
    the grid of the others (up to 0.5 s late).
    """

    def __init__(
        self, spec: WindowSpec, audio: AudioBackbone | None, audio_made_with: object, videos: Mapping[str, Path]
    ) -> None:
        """`videos`: paths by the stem of the file name, needed for every file when there is an `audio` backbone."""
        self._spec = spec
        self._audio = audio
        self._audio_made_with = audio_made_with
        self._videos = videos

    def describe(self) -> Description:
        widths = {"appearance": APPEARANCE, "motion": MOTION, "audio": 0 if self._audio is None else self._audio.dim}
        video = {"name": "slowfast8x8_r101", "sha256": None, "origin": "Ego4D's feature files"}
        window = asdict(self._spec)
        made_with = {"window": window, "pixels": "float", "video": video, "audio": self._audio_made_with}
        return Description(widths, made_with)

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        for task in tasks:
            try:
                yield Outcome(task, self._read(task.path))
            except EgoactError as error:
                yield Outcome(task, None, str(error))

    def _read(self, path: Path) -> VideoFeatures:
        rows = read_ego4d(path)
        if not np.isfinite(rows).all():
            raise CheckpointError(f"{path}: holds NaN or infinity")
        video = self._videos.get(path.stem)
        if video is None and self._audio is not None:
            raise SourceError(f"{path.stem}: no video of this name was given, from which to take the sound")
        starts = [self._spec.hop_frames * row for row in range(len(rows))]
        if video is not None:
            starts = self._spec.row_starts(count_ticks(video, self._spec))
            if len(starts) != len(rows):
                raise SourceError(f"{path} has {len(rows)} rows, but {video} is worth {len(starts)}: another video?")
        audio, coverage = self._sound(video, starts)
        return VideoFeatures(
            start_tick=np.array(starts, np.int64),
            t_start_s=np.array([self._spec.tick_ns(tick) / NS_PER_S for tick in starts]),
            appearance=rows[:, :APPEARANCE],
            motion=rows[:, APPEARANCE:],
            audio=audio,
            audio_coverage=coverage,
        )

    def _sound(self, video: Path | None, starts: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if video is None or self._audio is None:
            return np.zeros((len(starts), 0), np.float32), np.zeros(len(starts), np.float32)
        sound = read_sound(video, self._spec)
        features, heard = [], []
        for start in starts:
            window = sound.live_window(start, self._spec)
            row = sound_features(window.samples[None], np.array([window.coverage]), self._audio)
            features.append(row.audio)
            heard.append(row.coverage)
        return np.concatenate(features), np.concatenate(heard)


def ego4d_tasks(folder: Path) -> list[Task]:
    """The `.pt` files of a folder; the video of `<uid>.pt` is called `<uid>.mp4`, as Ego4D names it.

    Raises:
        UsageError: there is no such folder, or no such file in it.
    """
    files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder}: no .pt files there; give the folder of Ego4D's slowfast8x8_r101_k400 features")
    return [Task(f"{file.stem}.mp4", file) for file in files]


def count_ticks(path: Path, spec: WindowSpec) -> int:
    """Length of a video on the frame grid, from its time stamps alone; nothing is decoded.

    Raises:
        SourceError: the video cannot be opened or has no time stamps.
    """
    container = open_container(path)
    try:
        stream = container.streams.best("video")
        packets = [] if stream is None else [packet.pts for packet in container.demux(stream)]
        times = sorted(pts for pts in packets if pts is not None)
        if stream is None or not times:
            raise SourceError(f"{path}: has no video with time stamps; convert it again")
        grid = GridSampler(spec)
        for pts in times:
            grid.push(pts_ns(pts - times[0], stream.time_base))  # type: ignore[arg-type]
        return grid.ticks
    finally:
        container.close()
