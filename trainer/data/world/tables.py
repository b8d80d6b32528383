"""The CSV files beside the videos: annotations (own-clips columns), sounds, and videos."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.whole_file import write_whole_file
from trainer.data.world.mix import sound_events
from trainer.data.world.script import Plan

ANNOTATION_COLUMNS = (
    "video",
    "start_s",
    "end_s",
    "label",
    "scenario",
    "location",
    "narration",
    "audio_narration",
    "consistency",
    "sound_onscreen",
)
SOUND_COLUMNS = ("video", "start_s", "end_s", "sound", "onscreen")
VIDEO_COLUMNS = ("video", "scenario", "location", "wearer", "seed")


def video_path(plan: Plan) -> str:
    """Path of the plan's file relative to the CSV files."""
    return f"videos/{plan.name}.mp4"


def annotation_rows(plan: Plan) -> list[tuple[object, ...]]:
    """One row a segment, with the annotator's times."""
    return [
        (
            video_path(plan),
            f"{s.marked_start_s:.3f}",
            f"{s.marked_end_s:.3f}",
            s.label,
            plan.scenario,
            plan.location,
            s.narration,
            s.audio_narration,
            f"{s.consistency:.2f}",
            int(s.sound_onscreen),
        )
        for s in plan.segments
    ]


def sound_rows(plan: Plan) -> list[tuple[object, ...]]:
    """One row a sound event, off-screen sounds and ambience included."""
    return [
        (video_path(plan), f"{e.start_s:.3f}", f"{e.end_s:.3f}", e.sound, int(e.role == "own"))
        for e in sound_events(plan)
    ]


def video_row(plan: Plan) -> tuple[object, ...]:
    """One row a video; `wearer` is unique across locations."""
    return video_path(plan), plan.scenario, plan.location, f"{plan.location} {plan.wearer.number}", plan.seed


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file in one step: a reader sees the old file or the new one, never a part."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_whole_file(path, text.getvalue().encode())
