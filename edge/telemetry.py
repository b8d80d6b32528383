"""Stage times, label age, frame accounting and memory of a running stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from edge.contract import Prediction, Telemetry

STAGES = ("wait", "video", "fbank", "audio", "head", "decide")


class StageTimer:
    """Durations in ms of the flat, disjoint stages of one label."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start_ns = time.monotonic_ns()
        try:
            yield
        finally:
            self.ms[name] = self.ms.get(name, 0.0) + (time.monotonic_ns() - start_ns) / 1e6


class FrameLedger:
    """Every captured frame is used by a row or counted as dropped: captured = used + dropped + still waiting."""

    def __init__(self) -> None:
        self.captured = 0
        self.used = 0
        self.dropped = 0
        self._accounted_tick = 0

    def use_row(self, start_tick: int, end_tick: int) -> None:
        """A row used the frames of start_tick..end_tick; those before it that no row used were dropped."""
        self.dropped += max(0, start_tick - self._accounted_tick)
        first = max(start_tick, self._accounted_tick)
        self.used += max(0, end_tick - first)
        self._accounted_tick = max(self._accounted_tick, end_tick)

    def close(self) -> None:
        """The stream ended or was stopped: frames that no row used are dropped."""
        self.dropped += max(0, self.captured - self._accounted_tick)
        self._accounted_tick = max(self._accounted_tick, self.captured)


def percentiles(values_ms: list[float] | deque[float]) -> tuple[float, float, float] | None:
    """p50, p95, p99; None when there are no values."""
    if not values_ms:
        return None
    p50, p95, p99 = np.percentile(np.asarray(values_ms), [50, 95, 99])
    return float(p50), float(p95), float(p99)


def resident_memory_mb() -> float:
    """Resident set of this process in MB (Linux: second field of /proc/self/statm, in pages)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * 4096 / 1e6
    except (OSError, IndexError, ValueError):
        return 0.0


class TelemetryBook:
    """Collects what `Telemetry` shows; written by the pipeline's threads, read as immutable summaries."""

    def __init__(self, engines: tuple[str, ...], *, paced: bool) -> None:
        self.frames = FrameLedger()
        self._engines = engines
        self._paced = paced
        self._rows = 0
        self._ages_ms: list[float] = []
        self._recent: deque[dict[str, float]] = deque(maxlen=60)
        self._started_ns = time.monotonic_ns()

    def add(self, prediction: Prediction) -> None:
        self._rows += 1
        self._recent.append(prediction.stage_ms)
        if self._paced:
            self._ages_ms.append(prediction.label_age_ms)

    def summary(self) -> Telemetry:
        elapsed_s = (time.monotonic_ns() - self._started_ns) / 1e9
        recent = list(self._recent)
        medians = {stage: float(np.median([times.get(stage, 0.0) for times in recent])) for stage in STAGES if recent}
        return Telemetry(
            captured_frames=self.frames.captured,
            used_frames=self.frames.used,
            dropped_frames=self.frames.dropped,
            rows=self._rows,
            frame_rate_hz=self.frames.captured / elapsed_s if elapsed_s > 0 else 0.0,
            label_age_ms=percentiles(list(self._ages_ms)),
            stage_ms=medians or None,
            memory_mb=resident_memory_mb(),
            engines=self._engines,
        )
