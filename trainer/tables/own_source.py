"""Own clips for the tables: every (scenario, location) pair that can be held out is a split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from edge.contract import WindowSpec
from trainer.data.clip_table import ClipTable
from trainer.data.domain_split import hold_out
from trainer.data.errors import DatasetError
from trainer.data.own_table import own_table
from trainer.features.store import FeatureStore
from trainer.tables.split_clips import SOURCE_SHARE, SplitClips, source_videos

BACKGROUND_LABEL = "idle"


@dataclass(frozen=True)
class OwnSource:
    """An own-clips CSV and the features of its videos."""

    csv: Path
    features: Path

    kind: Literal["own"] = "own"

    @property
    def description(self) -> str:
        return (
            "Own clips, without the background. A split's test domain is one pair of scenario and location; training"
            f" has neither, and leaves out one in {1 / SOURCE_SHARE:.0f} of its videos."
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """'SCENARIO/LOCATION' of every domain beside which there is another with neither of its names."""
        domains = _read_clips(self.csv, self.features).facts.domain_counts()
        return tuple("/".join(d) for d in domains if any(d[0] != e[0] and d[1] != e[1] for e in domains))

    def load(self, split: str) -> SplitClips:
        table = _read_clips(self.csv, self.features)
        scenario, _, location = split.rpartition("/")
        train, test = hold_out(table.facts, scenario, location)
        trained = table.select(train)
        kept_out = source_videos(trained.facts)
        return SplitClips(trained.select(~kept_out), trained.select(kept_out), table.select(test))


@lru_cache(maxsize=1)
def _read_clips(csv: Path, features: Path) -> ClipTable:
    """All action clips.

    Raises:
        DatasetError: they show fewer than two actions.
    """
    table = own_table(csv, FeatureStore.open(features), WindowSpec(), BACKGROUND_LABEL)
    actions = table.facts.label != table.facts.label_names.index(BACKGROUND_LABEL)
    if len(np.unique(table.facts.label[actions])) < 2:
        raise DatasetError(f"{csv}: fewer than two actions; nothing can be learned")
    return table.select(actions)
