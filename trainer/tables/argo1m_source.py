"""ARGO1M's splits for the tables."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.data.argo1m import split_files, split_named
from trainer.data.argo1m_audio import read_manifest
from trainer.data.argo1m_load import is_store, read_split
from trainer.data.argo1m_store import StoreRows
from trainer.features.store import FeatureStore
from trainer.methods.paper_tables import SPLITS
from trainer.tables.split_clips import SplitClips, source_videos


@dataclass(frozen=True)
class Argo1mSource:
    """A folder of CSV files with features, or of .beton files (`features` None)."""

    folder: Path
    features: Path | None
    audio: Path | None
    """A feature store or a folder of `.npy` files; None: the feature store, where there is one."""
    manifest: Path | None
    """Ego4D's manifest: which videos have sound, when no store tells."""

    kind: Literal["argo1m"] = "argo1m"

    @property
    def description(self) -> str:
        kept = "only clips whose video has sound" if self._tells_sound else "all clips, with or without sound"
        return f"ARGO1M, {kept}. Clips of the validation files are trained on by nobody."

    @property
    def splits(self) -> tuple[str, ...]:
        """Titles of the splits that the folder holds, in the paper's order."""
        found = {split.title for split in split_files(self.folder, ".beton" if self.features is None else ".csv")}
        return tuple(title for title in SPLITS if title in found)

    def load(self, split: str) -> SplitClips:
        """Without a validation file, some videos of the training file take its place."""
        tables = read_split(self.folder, split_named(split), self.features, self._audio, self._heard())
        if "validation" in tables:
            return SplitClips(tables["train"], tables["validation"], tables["test"])
        kept_out = source_videos(tables["train"].facts)
        return SplitClips(tables["train"].select(~kept_out), tables["train"].select(kept_out), tables["test"])

    @property
    def _audio(self) -> Path | None:
        store = self.features is not None and is_store(self.features) and _has_audio(self.features)
        return self.features if self.audio is None and store else self.audio

    @property
    def _tells_sound(self) -> bool:
        return self.manifest is not None or (self._audio is not None and is_store(self._audio))

    def _heard(self) -> Set[str] | None:
        if self.manifest is not None:
            return read_manifest(self.manifest)
        if self._audio is not None and is_store(self._audio):
            return StoreRows(FeatureStore.open(self._audio)).heard_videos()
        return None


def _has_audio(store: Path) -> bool:
    return bool(FeatureStore.open(store).widths["audio"])
