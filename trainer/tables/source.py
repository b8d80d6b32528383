"""Where the clips of the tables come from: ARGO1M, the built-in world, or own clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from edge.errors import UsageError
from trainer.data.argo1m import split_files
from trainer.tables.argo1m_source import Argo1mSource
from trainer.tables.own_source import OwnSource
from trainer.tables.split_clips import SplitClips
from trainer.tables.world_source import WorldSource, world_folder

Kind = Literal["argo1m", "world", "own"]


class Source(Protocol):
    """Held-out splits by name. It can be sent to another process, and equal ones give the same clips."""

    def __hash__(self) -> int: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def description(self) -> str:
        """One sentence for the notes: which clips are trained on and tested."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of all splits."""
        ...

    def load(self, split: str) -> SplitClips:
        """The clips of one split.

        Raises:
            EgoactError: a file cannot be read, a part of the split is empty, or its domains overlap.
        """
        ...


def open_source(path: Path, features: Path | None, audio: Path | None, manifest: Path | None) -> Source:
    """The source at `path`: a rendered world, a folder of ARGO1M's CSV or .beton files, or an own-clips CSV.

    Raises:
        UsageError: it is none of these, or an option is missing or does not fit it.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    world = world_folder(path)
    if world is None and path.is_dir():
        for suffix in (".csv", ".beton"):
            if split_files(path, suffix):
                if suffix == ".csv" and features is None:
                    raise UsageError("name the features of the CSV files' videos: --features DIR")
                return Argo1mSource(path, features if suffix == ".csv" else None, audio, manifest)
        raise UsageError(f"{path}: holds neither ARGO1M's files (Ar_ITA_train.csv ...) nor a rendered world")
    if audio is not None or manifest is not None:
        raise UsageError("--audio and --manifest are for ARGO1M; other sources have their sound in the feature store")
    if features is None:
        raise UsageError("name the feature store: --features DIR")
    return WorldSource(world, features) if world is not None else OwnSource(path, features)


def choose_splits(wanted: Sequence[str], source: Source) -> tuple[str, ...]:
    """The splits of the source that are `wanted`, upper or lower case; all of them when none is.

    Raises:
        UsageError: the source has no such split.
    """
    names = {_plain(split): split for split in source.splits}
    unknown = [name for name in wanted if _plain(name) not in names]
    if unknown:
        raise UsageError(f"split '{unknown[0]}': there is none; take some of {', '.join(source.splits)}")
    return tuple(dict.fromkeys(names[_plain(name)] for name in wanted)) or source.splits


def _plain(name: str) -> str:
    return name.strip().replace(" ", "_").lower()
