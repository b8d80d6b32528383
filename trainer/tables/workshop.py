"""Everything that a process needs to train units of runs; it can be sent to another process."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from trainer.loop.head_clips import Narrations, embed_narrations
from trainer.narration.hashed_text import HashedText
from trainer.narration.text_features import TextFeatures
from trainer.tables.ledger import Ledger
from trainer.tables.runs import Run
from trainer.tables.settings import TrainingSettings
from trainer.tables.source import Source
from trainer.tables.split_clips import SplitClips
from trainer.tables.train_unit import train_unit


@dataclass(frozen=True)
class Workshop:
    """The clips, the settings and the place of the results."""

    source: Source
    narrations: Path | None
    """Embedded narrations (`TextFeatures`); None: hashed words."""
    settings: TrainingSettings
    folder: Path
    """Results are in its `runs`, what an interrupted training needs to go on is in its `unfinished`."""
    clips_sha256: Mapping[str, str]
    """Fingerprint of every split's clips."""
    encoder: str
    """Name of what embedded the narrations (`encoder_name`)."""
    device: str = "cpu"

    @property
    def ledger(self) -> Ledger:
        means = {"narrations": self.encoder, "device": self.device.partition(":")[0]}
        return Ledger(self.folder / "runs", self.settings, self.clips_sha256, means)

    def work(self, unit: Sequence[Run]) -> None:
        """Train the runs of `unit` and write their results.

        Raises:
            EgoactError: the clips or narrations cannot be read, or a result cannot be written.
        """
        ledger = self.ledger
        clips = _load(self.source, unit[0].split)
        for run, score in train_unit(
            unit, clips, partial(_embed, self.narrations), self.settings, self._unfinished, self.device, _quiet
        ):
            ledger.write(run, score)
            shutil.rmtree(self._unfinished(run), ignore_errors=True)
        with contextlib.suppress(OSError):  # another process may have something in it
            (self.folder / "unfinished").rmdir()

    def _unfinished(self, run: Run) -> Path:
        """The name changes with everything that the training depends on."""
        return self.folder / "unfinished" / self.ledger.path(run).stem


def encoder_name(narrations: Path | None) -> str:
    """What embedded the narrations, and with which words for the wearer.

    Raises:
        TextFeatureError: the folder holds no embedded narrations.
    """
    if narrations is None:
        return HashedText.name
    features = TextFeatures(narrations)
    return f"{features.encoder} ({', '.join(features.subjects)})"


@lru_cache(maxsize=1)
def _load(source: Source, split: str) -> SplitClips:
    """Units come in the order of splits."""
    return source.load(split)


def _embed(folder: Path | None, texts: Sequence[str]) -> Narrations:
    if folder is None:
        return embed_narrations(texts, HashedText())
    features = TextFeatures(folder)
    return Narrations(features.array, features.rows_of(texts))


def _quiet(line: str) -> None:
    """Two processes would talk at once: progress is told run by run instead."""
