"""A moment of a live run as a folder that `egoact replay FOLDER` plays: what was seen, heard, computed and said.

    clip.mkv              frames without loss at the ticks of their grid, float32 sound: replaying computes the same
    moment.json           format, labels, window, and per row its start tick on the clip's grid, coverage and label
    appearance.npy        float32 [rows, A]
    motion.npy            float32 [rows, M]
    probabilities.npy     float32 [rows, 3 modes, K], calibrated; NaN where a modality was missing
    predictions.jsonl     the same as lines for people (schema: edge/sinks.py)
    telemetry.json        whatever the caller knows of the run: bundle, engines, devices, counters, power

No file holds a pickle. The clip starts with a row, so that a replay takes the same rows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, FeatureRow, Frame, Prediction, WindowSpec
from edge.errors import EgoactError
from edge.recording.clip_writer import LOSSLESS, ClipWriter
from edge.scratch import clear_abandoned, unfinished_folder
from edge.sinks import JsonlSink
from edge.text import printable

FORMAT = 1
CLIP, INDEX, TELEMETRY, PREDICTIONS = "clip.mkv", "moment.json", "telemetry.json", "predictions.jsonl"
ABANDONED = re.compile(r"\.moment-\d{8}T\d{6}\.partial")
"""What a run that was killed was saving: it is large, and nobody would find it."""


@dataclass(frozen=True)
class Moment:
    """The newest seconds of a run. Ticks and samples count on the axes of its stream."""

    spec: WindowSpec
    labels: tuple[str, ...]
    frames: Sequence[Frame]
    """In order; ticks that nobody saw are missing."""
    sound: Sequence[AudioBlock]
    """In order; on the picture's axis (a delay of the microphone is taken out already)."""
    rows: Sequence[FeatureRow]
    predictions: Sequence[Prediction]
    """Their `row_index` is the index of their row."""
    telemetry: Mapping[str, Any]
    """Anything that JSON holds."""


def save_moment(folder: Path, moment: Moment) -> Path:
    """Write the folder, whole or not at all; it must not exist yet. Takes seconds: call it on a thread of its own.

    Only its owner may read it. Raises:
        EgoactError: nothing was seen, or the folder cannot be written.
    """
    shown = printable(str(folder))
    if not moment.frames:
        raise EgoactError(f"{shown}: not saved, there is no picture yet; try again once the camera delivers")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        clear_abandoned(folder.parent, ABANDONED)
        with unfinished_folder(partial):
            _write(partial, moment)
            if folder.exists():
                raise FileExistsError(17, "it exists already")
            os.rename(partial, folder)
    except (OSError, av.FFmpegError) as error:
        raise EgoactError(f"{shown}: the moment is not saved: {error.strerror}; name a folder with room") from error
    return folder


def _write(folder: Path, moment: Moment) -> None:
    start_tick = _start_tick(moment)
    rows = [row for row in moment.rows if row.start_tick >= start_tick]
    end_tick = max([moment.frames[-1].tick + 1, *(row.start_tick + moment.spec.row_frames for row in rows)])
    _write_clip(folder / CLIP, moment, start_tick, end_tick)
    _write_rows(folder, moment, rows, start_tick, end_tick)
    _write_json(folder / TELEMETRY, moment.telemetry)


def _start_tick(moment: Moment) -> int:
    """The first row whose frames are there and at whose start a sample begins, so that none has to be split."""
    first = moment.frames[0].tick
    aligned = [
        row.start_tick for row in moment.rows if row.start_tick >= first and _on_a_sample(moment, row.start_tick)
    ]
    return min(aligned, default=next(tick for tick in range(first, first + 1000) if _on_a_sample(moment, tick)))


def _on_a_sample(moment: Moment, tick: int) -> bool:
    return tick * moment.spec.audio_rate_hz % moment.spec.frame_rate_hz == 0


def _write_clip(path: Path, moment: Moment, start_tick: int, end_tick: int) -> None:
    writer = ClipWriter(path, moment.spec, start_tick, LOSSLESS, exact_sound=True)
    try:
        blocks = iter(moment.sound)
        block = next(blocks, None)
        for tick, image in _pictures(moment.frames, start_tick, end_tick):
            writer.frame(tick, image)
            while block is not None and block.start_sample <= _sample(moment.spec, tick + 1):
                writer.sound(block)
                block = next(blocks, None)
        # Sound beyond the last row is of no use to a replay.
    finally:
        writer.close()


def _pictures(frames: Sequence[Frame], start_tick: int, end_tick: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The frames of the clip; there is one at its first tick and one at its last, which give it its length."""
    wanted = [frame for frame in frames if start_tick <= frame.tick < end_tick] or [frames[-1]]
    written, held_ns = start_tick, None
    if wanted[0].tick != start_tick:
        yield start_tick, wanted[0].image
    for frame in wanted:
        # A frame that is held over several ticks is written once: the replay holds it again, and as long.
        if frame.t_ns != held_ns and start_tick <= frame.tick:
            yield frame.tick, frame.image
            written, held_ns = frame.tick, frame.t_ns
    if written < end_tick - 1:
        yield end_tick - 1, wanted[-1].image


def _sample(spec: WindowSpec, tick: int) -> int:
    return tick * spec.audio_rate_hz // spec.frame_rate_hz


def _write_rows(folder: Path, moment: Moment, rows: Sequence[FeatureRow], start_tick: int, end_tick: int) -> None:
    said = {prediction.row_index: prediction for prediction in moment.predictions}
    rows = [row for row in rows if row.index in said]
    seen = {frame.tick for frame in moment.frames if start_tick <= frame.tick < end_tick}
    _save_array(folder / "appearance.npy", [row.appearance for row in rows])
    _save_array(folder / "motion.npy", [row.motion for row in rows])
    _save_array(folder / "probabilities.npy", [said[row.index].probabilities for row in rows])
    index = {
        "format": FORMAT,
        "labels": list(moment.labels),
        "window": asdict(moment.spec),
        "ticks": end_tick - start_tick,
        "seen_ticks": len(seen),
        # A stream's first rows have no rows before them: only then a replay starts as the run did.
        "from_start": bool(rows) and rows[0].index == 0 and rows[0].start_tick == start_tick,
        "rows": [
            {
                "start_tick": row.start_tick - start_tick,
                # A row that begins in a gap shows live the frame after the gap, and in a replay the one before it.
                "begins_seen": row.start_tick in seen,
                "coverage": row.coverage,
                "label": said[row.index].label,
            }
            for row in rows
        ],
    }
    _write_json(folder / INDEX, index)
    lines = JsonlSink(folder / PREDICTIONS)
    lines.start(CLIP)
    for number, row in enumerate(rows):
        lines.prediction(_shifted(said[row.index], number, moment.spec.tick_ns(start_tick)), moment.labels)
    lines.close()
    if lines.error is not None:
        raise OSError(0, "predictions.jsonl cannot be written")


def _shifted(prediction: Prediction, number: int, by_ns: int) -> Prediction:
    """The prediction on the clip's own time."""
    return replace(
        prediction,
        row_index=number,
        start_ns=prediction.start_ns - by_ns,
        end_ns=prediction.end_ns - by_ns,
        clip_end_ns=prediction.clip_end_ns - by_ns,
        emitted_ns=prediction.emitted_ns - by_ns,
    )


def _save_array(path: Path, values: Sequence[NDArray[np.float32]]) -> None:
    np.save(path, np.stack(values) if values else np.zeros((0, 0), np.float32), allow_pickle=False)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, default=str) + "\n", encoding="utf-8")
