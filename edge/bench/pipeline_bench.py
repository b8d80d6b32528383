"""The pipeline timed from sensor to label: at real pace, at the highest rate that holds, at twice what it can do.

At real pace a clip is replayed as `egoact replay` does it. Higher rates need a source that keeps up: the clip is
decoded beforehand and looped on a faster clock, under the schedule of a live run, which skips rows when inference is
busy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from edge.bench.fast_clock import FastClock
from edge.bench.label_age import LabelAges, label_ages
from edge.bench.looped_source import LoopedSource, Recording
from edge.bench.prediction_log import PredictionLog
from edge.clock import Clock
from edge.contract import NS_PER_S, RunResult
from edge.live.schedule import LiveSchedule
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.rings import Rings
from edge.sources.replay import ReplaySource

STEP = 1.15
"""From one rate that is tried to the next."""
MOST_STEPS = 8
FEW_SKIPS = 0.01
"""A rate holds when at most this share of its rows was skipped."""
WARM_UP_SHARE = 0.2
_RECORDING_S = 8.0
_GRACE_S = 10
"""The looped source never fails: rows wait for it."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class RateRun:
    """One run at a given rate; times are real ones."""

    rows_hz: float
    """Rows that came due a second."""
    labels_hz: float
    """Labels that were made a second."""
    hop_ms: float
    """1 / rows_hz"""
    rows: int
    skipped_rows: int
    ages: LabelAges
    captured_frames: int
    used_frames: int
    dropped_frames: int
    memory_growth_mb: float
    """Median of the last fifth of the run less that of the middle one, when all buffers are in use."""

    @property
    def holds(self) -> bool:
        return self.skipped_rows <= FEW_SKIPS * (self.rows + self.skipped_rows)


@dataclass(frozen=True)
class PipelineBench:
    """What one precision did on one clip."""

    clip: str
    precision: str
    threads: int
    injected_ms: dict[str, float]
    """Engine -> ms by which it was made slower on purpose."""
    labels: int
    hop_ms: float
    ages: LabelAges
    captured_frames: int
    used_frames: int
    dropped_frames: int
    memory_mb: float
    highest: RateRun | None
    """The highest rate that holds; None when not even the lowest that was tried does."""
    overload: RateRun
    """At twice the rate at which the engines would have no pause."""


def paced(recognizer: Recognizer, clip: Path, seconds: float) -> tuple[RunResult, LabelAges]:
    """Replay a clip at real pace for so long, or to its end.

    Raises:
        EgoactError: the clip cannot be read, or gives no label.
    """
    log = PredictionLog(seconds)
    source = ReplaySource(clip, recognizer.bundle.window, "realtime")
    pipeline = Pipeline(source, recognizer, pace="realtime", sinks=(log,))
    log.stop = pipeline.stop
    return pipeline.run(), label_ages(log.predictions)


def at_rate(
    recognizer: Recognizer, recording: Recording, speed: float, seconds: float, clock: Clock | None = None
) -> RateRun:
    """Loop a recording at `speed` times real pace for `seconds` of real time, under the schedule of a live run."""
    spec = recording.spec
    # The same two methods as a Clock, which is what everybody asks of it.
    fast = cast(Clock, FastClock(speed, clock))
    source, rings, log = LoopedSource(recording, fast), Rings(spec), PredictionLog(seconds * speed)
    schedule = LiveSchedule(rings, spec, lambda: fast.monotonic_ns() - source.origin_ns, lambda: _GRACE_S * NS_PER_S)
    pipeline = Pipeline(source, recognizer, pace="live", sinks=(log,), clock=fast, rings=rings, schedule=schedule)
    log.stop = pipeline.stop
    result = pipeline.run()
    made = log.predictions
    settled = made[int(WARM_UP_SHARE * len(made)) :]
    span_s = (made[-1].emitted_ns - made[0].emitted_ns) / NS_PER_S / speed
    memory = np.array_split(np.array(log.memory_mb), min(5, len(made)))
    t = result.telemetry
    return RateRun(
        rows_hz=speed / spec.hop_s,
        labels_hz=(len(made) - 1) / span_s if span_s > 0 else 0.0,
        hop_ms=1e3 * spec.hop_s / speed,
        rows=len(made),
        skipped_rows=t.skipped_rows,
        ages=label_ages(settled or made, speed),
        captured_frames=t.captured_frames,
        used_frames=t.used_frames,
        dropped_frames=t.dropped_frames,
        memory_growth_mb=float(np.median(memory[-1]) - np.median(memory[len(memory) // 2])),
    )


def highest_rate(
    recognizer: Recognizer, recording: Recording, row_ms: float, seconds: float, progress: Progress
) -> RateRun | None:
    """From what `row_ms` a row would allow step by step down to a rate that holds, or up to the last that does."""
    best, hop_s = None, recording.spec.hop_s
    speed, step = 1e3 * hop_s / row_ms, STEP
    for number in range(MOST_STEPS):
        progress(f"{speed / hop_s:.1f} rows a second")
        run = at_rate(recognizer, recording, speed, seconds)
        if number == 0 and not run.holds:
            step = 1 / STEP
        if run.holds:
            best = run
        if run.holds != (step > 1):  # the first that holds on the way down, or that does not on the way up
            break
        speed *= step
    return best


def bench_pipeline(
    recognizer: Recognizer,
    clip: Path,
    *,
    precision: str,
    threads: int,
    seconds: float,
    rate_seconds: float,
    injected_ms: dict[str, float],
    progress: Progress = lambda line: None,
) -> PipelineBench:
    """Real pace, then the highest rate, then twice what the machine can do.

    Raises:
        EgoactError: the clip cannot be read, or gives no label.
    """
    spec = recognizer.bundle.window
    progress(f"{clip.name} at real pace for {seconds:.0f} s")
    result, ages = paced(recognizer, clip, seconds)
    recording = Recording(clip, spec, _RECORDING_S)
    row_ms = ages.row_ms
    highest = highest_rate(recognizer, recording, row_ms, rate_seconds, progress)
    if highest is not None:  # measured at a rate, with warm caches: nearer to what an overload meets
        row_ms = highest.ages.row_ms
    progress(f"overload: {2e3 / row_ms:.1f} rows a second")
    overload = at_rate(recognizer, recording, 2e3 * spec.hop_s / row_ms, 2 * rate_seconds)
    t = result.telemetry
    return PipelineBench(
        clip=clip.name,
        precision=precision,
        threads=threads,
        injected_ms=injected_ms,
        labels=t.rows,
        hop_ms=1e3 * spec.hop_s,
        ages=ages,
        captured_frames=t.captured_frames,
        used_frames=t.used_frames,
        dropped_frames=t.dropped_frames,
        memory_mb=t.memory_mb,
        highest=highest,
        overload=overload,
    )
