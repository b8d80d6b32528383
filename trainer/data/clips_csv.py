"""Own clips for training: an annotation CSV and the rows of its videos -> live clips with a label and narrations.

Columns: `video,start_s,end_s,label` and, where given, `scenario,location,narration,audio_narration,consistency`.
A live clip is what the device classifies (the last three rows of a stream), so that training and use agree; its label
is the action that is annotated at its centre.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.annotations import read_annotations
from edge.annotations.csv_table import as_written
from edge.contract import NS_PER_S, WindowSpec
from edge.errors import AnnotationError


@dataclass(frozen=True)
class Annotation:
    """One annotated action of a video."""

    start_ns: int
    end_ns: int
    label: str
    scenario: str
    location: str
    narration: str
    audio_narration: str
    consistency: float
    """r: how well the two narrations agree, 0..1; 1 where the file does not say."""


@dataclass(frozen=True)
class LiveClip:
    """A moment of a video as the device sees it: indices of its rows within the video, and what is annotated there."""

    video: str
    rows: tuple[int, ...]
    centre_ns: int
    """Middle of the stretch that the rows span."""
    label: str
    narration: str
    audio_narration: str
    consistency: float
    boundary_s: float
    """Distance from the centre to the nearest start or end of an annotated action; infinite when there is none."""


def read_clips_csv(path: Path) -> dict[str, tuple[Annotation, ...]]:
    """Annotations by video file name, in order of start time.

    Raises:
        AnnotationError: whatever `edge.annotations.read_annotations` refuses, or a consistency outside 0..1.
    """
    read_annotations(path)  # one reader decides what a valid file is
    videos: dict[str, list[Annotation]] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
        for row in reader:
            cells = {name: (cell or "").strip() for name, cell in row.items() if isinstance(name, str)}
            if not cells["video"]:
                continue  # a blank line
            annotation = Annotation(
                start_ns=round(float(cells["start_s"]) * NS_PER_S),
                end_ns=round(float(cells["end_s"]) * NS_PER_S),
                label=as_written(cells["label"]),
                scenario=cells.get("scenario", ""),
                location=cells.get("location", ""),
                narration=cells.get("narration", ""),
                audio_narration=cells.get("audio_narration", ""),
                consistency=_consistency(path, reader.line_num, cells.get("consistency", "")),
            )
            name = as_written(cells["video"]).replace("\\", "/").rpartition("/")[2]
            videos.setdefault(name, []).append(annotation)
    return {name: tuple(sorted(rows, key=lambda a: (a.start_ns, a.end_ns))) for name, rows in videos.items()}


def annotation_at(annotations: Sequence[Annotation], time_ns: int) -> Annotation | None:
    """The annotation that holds `time_ns` in [start, end); the one that starts last when they overlap."""
    holding = [a for a in annotations if a.start_ns <= time_ns < a.end_ns]
    return max(holding, key=lambda a: a.start_ns) if holding else None


def boundary_distance_s(annotations: Sequence[Annotation], time_ns: int) -> float:
    """Seconds from `time_ns` to the nearest start or end; infinite without annotations."""
    edges_ns = [t for a in annotations for t in (a.start_ns, a.end_ns)]
    return min((abs(time_ns - t) for t in edges_ns), default=float("inf")) / NS_PER_S


def live_clips(
    video: str,
    annotations: Sequence[Annotation],
    row_starts: Sequence[int],
    spec: WindowSpec,
    background_label: str,
) -> list[LiveClip]:
    """The live clip of every row of a video.

    Args:
        video: file name.
        annotations: of this video.
        row_starts: first grid tick of every row.
        spec: window numbers.
        background_label: the label where nothing is annotated (consistency 1, no narrations).
    """
    clips = []
    for newest in range(len(row_starts)):
        rows = tuple(spec.live_clip_rows(newest))
        end_tick = row_starts[rows[-1]] + spec.row_frames
        centre_ns = (spec.tick_ns(row_starts[rows[0]]) + spec.tick_ns(end_tick)) // 2
        found = annotation_at(annotations, centre_ns)
        clips.append(
            LiveClip(
                video,
                rows,
                centre_ns,
                label=found.label if found else background_label,
                narration=found.narration if found else "",
                audio_narration=found.audio_narration if found else "",
                consistency=found.consistency if found else 1.0,
                boundary_s=boundary_distance_s(annotations, centre_ns),
            )
        )
    return clips


def _consistency(path: Path, line: int, cell: str) -> float:
    if not cell:
        return 1.0
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise AnnotationError(f"{path}:{line}: consistency '{cell}' is not a number from 0 to 1")
    return value
