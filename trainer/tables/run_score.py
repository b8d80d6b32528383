"""What a run found: counts of right predictions and how well its narrations align; kept as one small JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PartScore:
    """Predictions on some clips."""

    clips: int
    right: int
    mean_class: float
    """Mean over the classes present of the share of right predictions."""

    @property
    def accuracy(self) -> float:
        """Top-1 in percent."""
        return 100 * self.right / self.clips


@dataclass(frozen=True)
class RunScore:
    """The test of a run."""

    parts: Mapping[str, PartScore]
    """"test": every clip tested; "source": clips of the training domains, of videos that no training sees; "onscreen",
    "offscreen": the test clips whose own sound is heard, or another one."""
    alignment: Mapping[str, float]
    """Stream ("appearance", "motion", "audio") -> `alignment.narration_auc` on the test clips; {} without alignment."""

    def to_json(self) -> dict[str, Any]:
        return {"parts": {name: asdict(part) for name, part in self.parts.items()}, "alignment": dict(self.alignment)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunScore:
        """Raises KeyError or TypeError when `values` are something else."""
        parts = {name: PartScore(**part) for name, part in values["parts"].items()}
        return cls(parts, {name: float(value) for name, value in values["alignment"].items()})
