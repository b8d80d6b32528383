"""Where the label age goes: the stages of every label, and how much of its age they explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.bench.distribution import Distribution, distribution
from edge.contract import Prediction
from edge.errors import EgoactError
from edge.telemetry import STAGES

STRETCHES = 10


@dataclass(frozen=True)
class LabelAges:
    """Of the labels of one run, in ms of real time."""

    age: Distribution
    stages: dict[str, Distribution]
    """In the order of the data flow; their means add up to the mean age as far as they explain it."""
    explained: float
    """Sum of all stages / label age, over all labels."""
    explained_min: float
    """The same of the label of which the stages explain least."""
    stretch_medians_ms: tuple[float, ...]
    """Median age in ten stretches of the run: what a ratio to another run takes its spread from."""

    @property
    def row_ms(self) -> float:
        """Mean time that a row takes once it is begun."""
        return sum(stage.mean for name, stage in self.stages.items() if name != "wait")


def label_ages(predictions: Sequence[Prediction], speed: float = 1.0) -> LabelAges:
    """Ages and stages of predictions that hold a label.

    Args:
        speed: of the clock that the stream ran on; its times are divided by it.

    Raises:
        EgoactError: no label was made.
    """
    labels = [prediction for prediction in predictions if not prediction.blind]
    if not labels:
        raise EgoactError("the run gave no label to measure: take a longer clip, or more --seconds")
    ages = np.array([p.label_age_ms for p in labels]) / speed
    stages = {name: np.array([p.stage_ms.get(name, 0.0) for p in labels]) / speed for name in STAGES}
    sums = np.sum(list(stages.values()), axis=0)
    return LabelAges(
        age=distribution(ages.tolist()),
        stages={name: distribution(values.tolist()) for name, values in stages.items()},
        explained=float(sums.sum() / ages.sum()),
        explained_min=float((sums / ages).min()),
        stretch_medians_ms=tuple(float(np.median(part)) for part in np.array_split(ages, min(STRETCHES, len(ages)))),
    )
