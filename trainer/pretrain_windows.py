"""Windows of decoded clips for pretraining, drawn with every class equally often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from trainer.data.clips_csv import Annotation, annotation_at, boundary_distance_s
from trainer.features.frame_cache import DecodedClip


@dataclass(frozen=True)
class PretrainClip:
    """A decoded clip and what is annotated in it."""

    video: str
    decoded: DecodedClip
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class RowWindows:
    """Candidate rows: N of them."""

    clip: NDArray[np.int64]
    """int64 [N], index of the clip."""
    start_tick: NDArray[np.int64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)


def labelled_rows(
    clips: Sequence[PretrainClip], labels: Sequence[str], background_label: str, spec: WindowSpec, stride_ticks: int
) -> RowWindows:
    """Rows every `stride_ticks`, labelled by what is annotated at their centre.

    Rows whose centre lies within 0.2 s of a boundary are left out: annotators mark boundaries no better than that.
    """
    found: list[tuple[int, int, int]] = []
    for number, clip in enumerate(clips):
        for start in range(0, len(clip.decoded.frames) - spec.row_frames + 1, stride_ticks):
            centre_ns = spec.tick_ns(start) + spec.tick_ns(spec.row_frames) // 2
            if boundary_distance_s(clip.annotations, centre_ns) < 0.2:
                continue
            annotation = annotation_at(clip.annotations, centre_ns)
            found.append((number, start, labels.index(annotation.label if annotation else background_label)))
    table = np.array(found, np.int64).reshape(-1, 3)
    return RowWindows(table[:, 0], table[:, 1], table[:, 2])


def draw_balanced(labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of `count` windows: first a class (all equally likely), then a window of that class."""
    classes = np.unique(labels)
    members = {int(k): np.flatnonzero(labels == k) for k in classes}
    return np.array([rng.choice(members[int(k)]) for k in rng.choice(classes, count)], np.int64)
