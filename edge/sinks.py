"""What egoact says, as JSON Lines: one object a line, flushed at once, so that another program can follow a run.

Every line has "type" and "clip" (file name of the stream that it belongs to). Times ending in `_s` are seconds of
stream time with three decimals; `_ns` are the exact integers. Numbers that are missing (NaN) are null, and so is the
label of a prediction when there was nothing to see or hear.

    {"type": "start", "clip", "unix_s"}                (live: wall-clock time of stream time 0)
    {"type": "prediction", "clip", "row", "start_s", "end_s", "start_ns", "end_ns", "clip_end_ns", "label",
     "confidence", "unknown", "all": [{"label", "probability"} x 5, best first] or null,
     "video": {"label", "probability"} or null, "audio": {"label", "probability"} or null,
     "video_coverage", "audio_coverage", "label_age_ms", "stage_ms": {stage: ms}}
    {"type": "segment", "clip", "start_s", "end_s", "start_ns", "end_ns", "label", "confidence", "state"}
    {"type": "event", "clip", "t_s", "t_ns", "text"}
    {"type": "run", "clip", "title", "duration_s", "pace", "labels", "background_label", "predictions", "segments",
     "frames": {"captured", "used", "dropped"}, "label_age_ms": {"p50", "p95", "p99"} or null, "notes", "score"}

"score" is null without an annotation, else `Score.to_json()` (edge/score.py).
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, Prediction, RunResult, Segment
from edge.errors import EgoactError
from edge.score import Score
from edge.text import printable

TOP_LABELS = 5


class JsonlSink:
    """Writes the lines of one or many runs to a file, from its beginning or behind what it holds (`append`: nobody who
    starts a live run again wants to lose the labels before it). A write that fails never stops the run.

    The first failure is kept in `error` (and handed to `on_error`); `failed_lines` counts every line that was lost.
    """

    def __init__(
        self, path: Path | str, on_error: Callable[[EgoactError], None] | None = None, *, append: bool = False
    ) -> None:
        self.error: EgoactError | None = None
        self.failed_lines = 0
        self._path = path
        self._on_error = on_error
        self._clip = ""
        self._torn = False
        self._writing = threading.RLock()  # events come from other threads, also of what went wrong here
        self._file: FileIO | None = None
        try:
            self._torn = append and _ends_inside_a_line(path)
            self._file = FileIO(str(path), "a" if append else "w")
        except OSError as error:
            self._fail(error)

    def start(self, clip: str) -> None:
        """The lines that follow belong to this clip."""
        self._clip = clip

    def started(self, unix_ns: int) -> None:
        """Write when, by the wall clock, stream time 0 was."""
        self._write({"type": "start", "clip": self._clip, "unix_s": round(unix_ns / NS_PER_S, 3)})

    def prediction(self, prediction: Prediction, labels: Sequence[str]) -> None:
        """Write what egoact thinks of one hop; probabilities float32 [3, K] with K = len(labels)."""
        p = prediction
        top_all, top_video, top_audio = (_top(row, labels) for row in p.probabilities)
        self._write(
            {
                "type": "prediction",
                "clip": self._clip,
                "row": p.row_index,
                **_interval(p.start_ns, p.end_ns),
                "clip_end_ns": p.clip_end_ns,
                "label": None if p.blind else p.label,
                "confidence": _number(p.confidence),
                "unknown": p.unknown,
                "all": top_all or None,
                "video": top_video[0] if top_video else None,
                "audio": top_audio[0] if top_audio else None,
                "video_coverage": _number(p.video_coverage),
                "audio_coverage": _number(p.audio_coverage),
                "label_age_ms": _number(p.label_age_ms, 1),
                "stage_ms": {stage: _number(ms, 2) for stage, ms in p.stage_ms.items()},
            }
        )

    def segment(self, segment: Segment) -> None:
        """Write one segment."""
        self._write(
            {
                "type": "segment",
                "clip": self._clip,
                **_interval(segment.start_ns, segment.end_ns),
                "label": segment.label,
                "confidence": _number(segment.confidence),
                "state": segment.state,
            }
        )

    def event(self, t_ns: int, text: str) -> None:
        """Write what happened."""
        self._write({"type": "event", "clip": self._clip, "t_s": round(t_ns / NS_PER_S, 3), "t_ns": t_ns, "text": text})

    def run(self, result: RunResult, score: Score | None = None) -> None:
        """Write the closing line of one run."""
        frames = result.telemetry
        age = zip(("p50", "p95", "p99"), frames.label_age_ms, strict=True) if frames.label_age_ms else None
        self._write(
            {
                "type": "run",
                "clip": self._clip,
                "title": result.title,
                "duration_s": _number(result.duration_s, 3),
                "pace": result.pace,
                "labels": list(result.labels),
                "background_label": result.background_label,
                "predictions": frames.rows,
                "segments": frames.segments,
                "frames": {
                    "captured": frames.captured_frames,
                    "used": frames.used_frames,
                    "dropped": frames.dropped_frames,
                },
                "label_age_ms": age and {name: _number(ms, 1) for name, ms in age},
                "notes": list(result.notes),
                "score": score and score.to_json(),
            }
        )

    def close(self) -> None:
        """Close the file; safe to call twice. Lines written after it count as lost."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._fail(error)
            self._file = None

    def _write(self, line: dict[str, object]) -> None:
        data = json.dumps(line, allow_nan=False).encode() + b"\n"
        with self._writing:
            if self._file is None:
                self.failed_lines += 1
            else:
                self._put(self._file, data)

    def _put(self, file: FileIO, data: bytes) -> None:
        if self._torn:  # the disk filled up in the middle of a line: end that one first
            data = b"\n" + data
        written = 0
        try:
            while written < len(data):
                written += file.write(data[written:]) or 0
            self._torn = False
        except OSError as error:
            self.failed_lines += 1
            self._torn = self._torn or written > 0
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self.error is None:
            self.error = EgoactError(
                f"{printable(str(self._path))}: results cannot be written: {error.strerror}; "
                "the run goes on without them: free the disk or name another file"
            )
            if self._on_error is not None:
                self._on_error(self.error)


def _ends_inside_a_line(path: Path | str) -> bool:
    """Whether whoever wrote the file before was stopped in the middle of a line."""
    file = Path(path)
    if not file.is_file() or file.stat().st_size == 0:
        return False
    with file.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read() != b"\n"


def _interval(start_ns: int, end_ns: int) -> dict[str, object]:
    return {
        "start_s": round(start_ns / NS_PER_S, 3),
        "end_s": round(end_ns / NS_PER_S, 3),
        "start_ns": start_ns,
        "end_ns": end_ns,
    }


def _top(row: NDArray[np.float32], labels: Sequence[str]) -> list[dict[str, object]]:
    """The most probable labels of one masked row, best first; empty when its modality is missing."""
    if np.isnan(row).any():
        return []
    best = np.argsort(-row, kind="stable")[:TOP_LABELS]
    return [{"label": labels[i], "probability": _number(float(row[i]))} for i in best]


def _number(value: float, decimals: int = 4) -> float | None:
    return round(float(value), decimals) if math.isfinite(value) else None
