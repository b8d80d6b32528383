"""What is known of a set of clips beside their features: labels, domains, narrations, ratings.

One clip is one index everywhere; names are kept once and clips refer to them by number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer.data.errors import DatasetError

Domain = tuple[str, str]
"""(scenario, location)"""

COLUMNS = ("video", "label", "scenario", "location", "consistency", "narration", "audio_narration")


@dataclass(frozen=True)
class ClipFacts:
    """n >= 1 clips; every array has one value a clip."""

    name: str
    """What errors call these clips: a file, or a split and its part."""
    video: NDArray[np.int64]
    """Index into `video_names`."""
    label: NDArray[np.int64]
    """Index into `label_names`: the class."""
    scenario: NDArray[np.int64]
    """Index into `scenario_names`."""
    location: NDArray[np.int64]
    """Index into `location_names`."""
    consistency: NDArray[np.float32]
    """r, 0..1: how well both narrations agree; 1 where nobody rated them."""
    narration: NDArray[np.int64]
    """Index into `texts`, -1 without one."""
    audio_narration: NDArray[np.int64]
    """Index into `texts`, -1 without one."""
    video_names: tuple[str, ...]
    label_names: tuple[str, ...]
    scenario_names: tuple[str, ...]
    location_names: tuple[str, ...]
    texts: tuple[str, ...]
    """Every narration once, as written in the source."""

    def __post_init__(self) -> None:
        """Raises DatasetError when there is no clip, a column's length differs, or a value is out of its range."""
        count = len(self.label)
        if not count:
            raise DatasetError(f"{self.name}: holds no clip; check the split's name and what was filtered out")
        for column in COLUMNS:
            if getattr(self, column).shape != (count,):
                shape = getattr(self, column).shape
                raise DatasetError(f"{self.name}: {column} has shape {shape}, expected ({count},)")
        self._require_range("video", 0, len(self.video_names) - 1)
        self._require_range("label", 0, len(self.label_names) - 1)
        self._require_range("scenario", 0, len(self.scenario_names) - 1)
        self._require_range("location", 0, len(self.location_names) - 1)
        self._require_range("consistency", 0, 1)
        self._require_range("narration", -1, len(self.texts) - 1)
        self._require_range("audio_narration", -1, len(self.texts) - 1)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def narrated(self) -> NDArray[np.bool_]:
        """bool [n], whether the clip has both narrations."""
        return (self.narration >= 0) & (self.audio_narration >= 0)

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> ClipFacts:
        """The clips `chosen` (indices or a mask), in that order.

        Raises:
            DatasetError: nothing is chosen.
        """
        return replace(self, **{column: getattr(self, column)[chosen] for column in COLUMNS})

    def label_counts(self) -> dict[str, int]:
        """Clips of every class, those without a clip too, in the order of the classes."""
        counts = np.bincount(self.label, minlength=len(self.label_names))
        return dict(zip(self.label_names, counts.tolist(), strict=True))

    def domain_counts(self) -> dict[Domain, int]:
        """Clips of every (scenario, location) that has any, in the order of scenarios and locations."""
        width = len(self.location_names)
        codes, counts = np.unique(self.scenario * width + self.location, return_counts=True)
        return {
            (self.scenario_names[code // width], self.location_names[code % width]): count
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
        }

    def _require_range(self, column: str, least: int, most: int) -> None:
        values = getattr(self, column)
        wrong = np.flatnonzero(~((values >= least) & (values <= most)))  # NaN is wrong too
        if len(wrong):
            first = wrong[0]
            raise DatasetError(
                f"{self.name}: clip {first}: {column} {values[first]} is not in {least}..{most}"
                f" ({len(wrong)} such); correct the source"
            )
