"""Stage times, label age, frame accounting and memory of a running stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from edge.age_histogram import AgeHistogram
from edge.contract import Prediction, Telemetry

STAGES = ("wait", "window", "video", "fbank", "audio", "head", "decide")
"""In the order of the data flow. The wait begins at the newest sensor time that the label uses, so that the stages add
up to the label age; 'window' is the copy of frames and sound out of the rings."""
ENGINE_STAGES = ("video", "fbank", "audio", "head")
_RECENT_ROWS = 60


class StageTimer:
    """Durations in ms of the flat, disjoint stages of one label; `now_ns` is the clock that they are read from."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.ms: dict[str, float] = {}
        self._now_ns = now_ns

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start_ns = self._now_ns()
        try:
            yield
        finally:
            self.ms[name] = self.ms.get(name, 0.0) + (self._now_ns() - start_ns) / 1e6


class FrameLedger:
    """Every captured frame is used by a row or counted as dropped: captured = used + dropped + still waiting.

    Frames are counted by their number in the ring, not by their tick: a camera that was away leaves ticks empty.
    """

    def __init__(self) -> None:
        self.captured = 0
        self.used = 0
        self.dropped = 0
        self._first = 0
        self._accounted = 0

    def begin(self, frames: int) -> None:
        """The account starts with frame number `frames`."""
        self._first = self._accounted = frames

    def store(self, frames: int) -> None:
        """The ring has been given `frames` frames so far."""
        self.captured = frames - self._first

    def use_row(self, first_frame: int, end_frame: int) -> None:
        """A row used frames first_frame..end_frame; those before it that no row used were dropped."""
        self.dropped += max(0, first_frame - self._accounted)
        self.used += max(0, end_frame - max(first_frame, self._accounted))
        self._accounted = max(self._accounted, end_frame)

    def close(self) -> None:
        """The stream ended or was stopped: frames that no row used are dropped."""
        self.dropped += max(0, self._first + self.captured - self._accounted)
        self._accounted = max(self._accounted, self._first + self.captured)


def resident_memory_mb(process: int | str = "self") -> float:
    """Resident set of a process in MB (Linux: second field of /proc/PID/statm, in pages); 0 when it is gone."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * 4096 / 1e6
    except (OSError, IndexError, ValueError):
        return 0.0


class TelemetryBook:
    """Collects what `Telemetry` shows; written by the pipeline's threads, read as immutable summaries.

    Memory is constant, and what costs time is computed once a label, not once a summary.
    """

    def __init__(self, engines: tuple[str, ...], *, paced: bool) -> None:
        self.frames = FrameLedger()
        self.segments = 0
        self._engines = engines
        self.paced = paced
        """Whether a label's age means anything."""
        self._rows = 0
        self._ages = AgeHistogram()
        self._age_ms: tuple[float, float, float] | None = None
        self._recent: deque[dict[str, float]] = deque(maxlen=_RECENT_ROWS)
        self._stage_ms: dict[str, float] | None = None
        self._started_ns = time.monotonic_ns()

    def add(self, prediction: Prediction) -> None:
        self._rows += 1
        if prediction.blind:  # without a label there is no label's age, and no stages that add up to it
            return
        self._recent.append(prediction.stage_ms)
        self._stage_ms = {s: float(np.median([times.get(s, 0.0) for times in self._recent])) for s in STAGES}
        if self.paced:
            self._ages.add(prediction.label_age_ms)
            self._age_ms = self._ages.percentiles()

    def summary(self, *, skipped_rows: int = 0, hop_factor: int = 1) -> Telemetry:
        elapsed_s = (time.monotonic_ns() - self._started_ns) / 1e9
        return Telemetry(
            captured_frames=self.frames.captured,
            used_frames=self.frames.used,
            dropped_frames=self.frames.dropped,
            rows=self._rows,
            frame_rate_hz=self.frames.captured / elapsed_s if elapsed_s > 0 else 0.0,
            label_age_ms=self._age_ms if self.paced else None,  # of a part of the run it would tell nothing
            stage_ms=self._stage_ms,
            memory_mb=resident_memory_mb(),
            engines=self._engines,
            skipped_rows=skipped_rows,
            segments=self.segments,
            hop_factor=hop_factor,
        )
