"""Captions by many processes, a video each; the log of captions stays with the process that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edge.errors import EgoactError
from trainer.narration.captions.caption_clips import Captioned, captioned_here
from trainer.narration.captions.captioner import Caption, Captioner
from trainer.narration.captions.clip_sounds import Stretch
from trainer.ray_workers import RayWorkers, WorkerDiedError

Video = tuple[Path, Sequence[Stretch]]


class Identity(NamedTuple):
    """Of the captioner that all workers have; the keys of captions hold it."""

    name: str
    version: str


class CaptionWorker:
    """Lives in a worker's process."""

    def __init__(self, captioner: Captioner) -> None:
        self._captioner = captioner

    def identity(self) -> Identity:
        """Name and version of the captioner."""
        return Identity(self._captioner.name, self._captioner.version)

    def caption_video(self, video: Video) -> Captioned:
        """Captions of stretches of one video, None where there is no sound; or why it cannot be read, one line."""
        path, stretches = video
        captions: list[Caption | None] = []
        for _, _, found in captioned_here({path: stretches}, self._captioner):
            if isinstance(found, str):
                return path, stretches, found
            captions += found
        return path, stretches, captions


def captioned_by_workers(wanted: Mapping[Path, Sequence[Stretch]], workers: RayWorkers) -> Iterator[Captioned]:
    """As `captioned_here`, in the order of the videos."""
    # Workers of a cluster run in another folder than this process.
    tasks: list[Video] = [(path.absolute(), stretches) for path, stretches in wanted.items()]
    found: Iterator[Captioned] = workers.outcomes(tasks, "caption_video", _died)
    for path, (_, stretches, captions) in zip(wanted, found, strict=True):
        yield path, stretches, captions


def _died(video: Video, error: WorkerDiedError) -> Captioned:
    return *video, str(EgoactError(f"{video[0]}: {error}"))
