"""Which moments of which clips to calibrate on, decided before anything is decoded.

With annotations the labels take turns, and within a label the domains seen least, so that rare actions and places
count as much as frequent ones; without them the moments lie evenly in time. The seed decides among equals.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from calibration.errors import CalibrationError
from edge.contract import WindowSpec
from edge.errors import SourceError
from edge.sources.container import open_container
from trainer.data.clips_csv import Annotation, live_clips

MIN_CLIPS = 8
"""Fewer recordings show too little of light, places and actions to trust a range."""

MIN_BOUNDARY_S = 0.3
"""Windows whose centre is nearer to the start or end of an action are labelled by a hair: left out."""


class Pick(NamedTuple):
    """One live clip to calibrate on."""

    path: Path
    row: int
    """Index of its newest row in the clip."""
    label: str | None
    """What is annotated at its centre; the background label where nothing is; None without annotations."""
    domain: str | None
    """'scenario/location' of the clip; None where the annotations do not say."""


def pick_windows(
    clips: Sequence[Path],
    spec: WindowSpec,
    *,
    count: int,
    annotations: Mapping[str, Sequence[Annotation]] | None = None,
    background_label: str | None = None,
    min_clips: int = MIN_CLIPS,
    seed: int = 0,
) -> tuple[Pick, ...]:
    """At most `count` picks, in the order of the clips and of time.

    Args:
        clips: recorded clips.
        spec: window numbers.
        annotations: by file name; with them only annotated clips are used.
        background_label: label where nothing is annotated; None leaves such moments out.
        min_clips: fewer usable clips are refused.
        seed: of the choice.

    Raises:
        CalibrationError: too few clips: says how many there are and how many it takes.
        SourceError: a clip cannot be opened.
    """
    usable = [path for path in clips if annotations is None or path.name in annotations]
    _require(len({path.name for path in usable}), min_clips, len(clips), annotations is not None)
    draw = random.Random(seed)
    if annotations is None:
        picks = _evenly(usable, spec, count)
    else:
        picks = _balanced(usable, spec, count, annotations, background_label, draw)
    place = {path: index for index, path in enumerate(usable)}
    return tuple(sorted(picks, key=lambda pick: (place[pick.path], pick.row)))


def _require(usable: int, min_clips: int, given: int, annotated: bool) -> None:
    if usable < min_clips:
        named = (
            f"{usable} of the {given} clips are" if annotated else f"there {'is' if usable == 1 else 'are'} {usable}"
        )
        kind = "annotated clips" if annotated else "clips"
        raise CalibrationError(f"calibration takes at least {min_clips} {kind} and {named}; give more with --clips DIR")


def _evenly(clips: Sequence[Path], spec: WindowSpec, count: int) -> list[Pick]:
    picks = []
    for index, path in enumerate(clips):
        share = count * (index + 1) // len(clips) - count * index // len(clips)
        rows = len(_row_starts(path, spec))
        picks += [
            Pick(path, row, None, None) for row in sorted({rows * (2 * k + 1) // (2 * share) for k in range(share)})
        ]
    return picks


def _balanced(
    clips: Sequence[Path],
    spec: WindowSpec,
    count: int,
    annotations: Mapping[str, Sequence[Annotation]],
    background_label: str | None,
    draw: random.Random,
) -> list[Pick]:
    cells: dict[tuple[str | None, str], list[Pick]] = {}
    for path in clips:
        marks = annotations[path.name]
        domain = f"{marks[0].scenario}/{marks[0].location}" if marks[0].scenario or marks[0].location else None
        for clip in live_clips(path.name, marks, _row_starts(path, spec), spec, background_label or ""):
            if clip.label and clip.boundary_s >= MIN_BOUNDARY_S:
                cells.setdefault((domain, clip.label), []).append(Pick(path, clip.rows[-1], clip.label, domain))
    keys = sorted(cells, key=str)
    draw.shuffle(keys)
    for key in keys:
        draw.shuffle(cells[key])
    labels, domains = Counter[str](), Counter[str | None]()
    picks: list[Pick] = []
    while len(picks) < count and any(cells.values()):
        domain, label = min((key for key in keys if cells[key]), key=lambda key: (labels[key[1]], domains[key[0]]))
        picks.append(cells[domain, label].pop())
        labels[label] += 1
        domains[domain] += 1
    return picks


def _row_starts(path: Path, spec: WindowSpec) -> list[int]:
    """Rows that the clip's declared duration promises; a clip may turn out shorter."""
    container = open_container(path)
    try:
        if not container.streams.video:
            raise SourceError(f"{path}: has no video stream; give a clip with pictures")
        duration_s = (container.duration or 0) / 1_000_000
    finally:
        container.close()
    starts = spec.row_starts(int(duration_s * spec.frame_rate_hz))
    if not starts:
        raise SourceError(f"{path}: its duration is not known; convert it to MP4 or MKV")
    return starts
