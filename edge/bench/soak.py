"""A live run for hours on a clip that is played again and again: does a process grow, is every frame accounted for?

Camera, microphone and inference are the processes of `egoact live`, with their shared rings and their watchdog; only
the devices are not there. Failed (exit code 1) when the memory of a process grows, with 95 % confidence and by more
than 1 MB an hour; when descriptors grew, a process was replaced, or frames are missing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

from edge.bench.machine import machine_facts
from edge.bench.memory_growth import ProcessSample, Slope, sample_process, slope_of
from edge.bench.report import write_text
from edge.bench.table import Table
from edge.bundle import Bundle
from edge.contract import Telemetry
from edge.errors import EgoactError
from edge.live.plan import LivePlan, SensorPlan
from edge.live.supervisor import Supervisor
from edge.precision import choose

SAMPLES = 2000
"""Of each process in the whole soak, at most one in two seconds."""
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 0.1, 2.0
WARM_UP_SHARE, LONGEST_WARM_UP_S = 0.25, 900.0
START_LIMIT_S = 120.0


@dataclass(frozen=True)
class Verdict:
    """What a soak found."""

    seconds: float
    memory_mb: dict[str, float]
    """Median, by process."""
    slopes: dict[str, Slope | None]
    """None where it was too short to tell."""
    descriptors: dict[str, tuple[int, int]]
    """Largest number in the first and in the last quarter."""
    label_age_ms: tuple[float, float, float] | None
    """p50, p95, p99"""
    labels: int
    skipped_rows: int
    captured_frames: int
    used_frames: int
    dropped_frames: int
    problems: tuple[str, ...]


def soak(bundle: Bundle, clip: Path, seconds: float, precision: str, threads: int, file: Path | None) -> int:
    """Run it and print what it found; 0, or 1 when there is a problem.

    Raises:
        EgoactError: the run does not start, or ended by itself.
    """
    choose(bundle, precision)
    factory, arguments = "edge.bench.clip_sensors", (clip.absolute(), bundle.window)
    sensors = (
        SensorPlan("video", clip.name, f"{factory}:ClipCamera", arguments),
        SensorPlan("audio", clip.name, f"{factory}:ClipMicrophone", arguments),
    )
    supervisor = Supervisor(LivePlan(bundle, sensors, threads, precision))
    supervisor.start()
    try:
        _wait_for_labels(supervisor)
        before = dict(supervisor.pids)
        pids = {**before, "main": os.getpid()}
        samples = watch(pids, seconds, lambda: supervisor.alive, lambda: _told(supervisor))
        replaced = dict(supervisor.pids) != before
    finally:
        supervisor.stop()
        supervisor.wait()
    if supervisor.result is None:
        raise supervisor.error or EgoactError("the soak ended without a result; run it again with EGOACT_DEBUG=1")
    verdict = judge(samples, supervisor.result.telemetry, replaced=replaced)
    print("\n".join(verdict_lines(verdict)))
    if file is not None:
        data = {"format": 1, "kind": "soak", "machine": asdict(machine_facts()), **asdict(verdict)}
        write_text(file, json.dumps(data, indent=1) + "\n")
    return 1 if verdict.problems else 0


def watch(
    pids: Mapping[str, int], seconds: float, alive: Callable[[], bool], told: Callable[[], str] = str
) -> dict[str, list[ProcessSample]]:
    """Sample the processes; those of the start, in which buffers fill, are left out. Ctrl-C ends it early.

    `told`: what to add to the line that is printed once a minute.
    """
    samples: dict[str, list[ProcessSample]] = {name: [] for name in pids}
    begun_s = time.monotonic()
    period_s = min(LONGEST_PERIOD_S, max(SHORTEST_PERIOD_S, seconds / SAMPLES))
    warm_s, told_s = min(WARM_UP_SHARE * seconds, LONGEST_WARM_UP_S), 0.0
    try:
        while (t_s := time.monotonic() - begun_s) < seconds and alive():
            if t_s >= warm_s:
                for name, pid in pids.items():
                    if (sample := sample_process(pid, t_s)) is not None:
                        samples[name].append(sample)
            if t_s - told_s >= 60:
                told_s = t_s
                print(f"  {t_s / 60:.0f} of {seconds / 60:.0f} minutes{told()}", file=sys.stderr, flush=True)
            time.sleep(period_s)
    except KeyboardInterrupt:
        print("  ended early", file=sys.stderr)
    return samples


def _told(supervisor: Supervisor) -> str:
    age = supervisor.latest().telemetry.label_age_ms
    return f", label age p50 {age[0]:.0f} ms, p99 {age[2]:.0f} ms" if age else ""


def judge(samples: Mapping[str, Sequence[ProcessSample]], frames: Telemetry, *, replaced: bool) -> Verdict:
    """What is wrong, if anything."""
    kept = {name: taken for name, taken in samples.items() if taken}
    slopes = {name: slope_of(taken) for name, taken in kept.items()}
    descriptors = {name: _ends([s.descriptors for s in taken]) for name, taken in kept.items()}
    problems = [
        f"memory of {name} grows by {slope.mb_an_hour:.1f} MB an hour [{slope.low:.1f}, {slope.high:.1f}]"
        for name, slope in slopes.items()
        if slope is not None and slope.grows
    ]
    problems += [f"descriptors of {name} grow from {a} to {b}" for name, (a, b) in descriptors.items() if b > a]
    problems += [f"{name} was never there to be measured" for name in samples if name not in kept]
    if replaced:
        problems.append("a process was replaced")
    if frames.captured_frames != frames.used_frames + frames.dropped_frames:
        problems.append("captured is not used + dropped")
    return Verdict(
        seconds=max((taken[-1].t_s for taken in kept.values()), default=0.0),
        memory_mb={name: float(np.median([s.memory_mb for s in taken])) for name, taken in kept.items()},
        slopes=slopes,
        descriptors=descriptors,
        label_age_ms=frames.label_age_ms,
        labels=frames.rows,
        skipped_rows=frames.skipped_rows,
        captured_frames=frames.captured_frames,
        used_frames=frames.used_frames,
        dropped_frames=frames.dropped_frames,
        problems=tuple(problems),
    )


def verdict_lines(verdict: Verdict) -> list[str]:
    """For people."""
    table = Table(("<process", "memory MB", "<growth, MB an hour [95 %]", "<descriptors"))
    for name, slope in verdict.slopes.items():
        growth = (
            "too short to tell" if slope is None else f"{slope.mb_an_hour:+.2f} [{slope.low:+.2f}, {slope.high:+.2f}]"
        )
        first, last = verdict.descriptors[name]
        table.add(name, f"{verdict.memory_mb[name]:.1f}", growth, f"{first} -> {last}")
    lines = [
        *table.text(),
        "",
        f"{verdict.seconds / 60:.1f} minutes, {verdict.labels} labels, {verdict.skipped_rows} rows skipped",
    ]
    if verdict.label_age_ms is not None:
        p50, p95, p99 = verdict.label_age_ms
        lines.append(f"label age   p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")
    account = f"{verdict.captured_frames} captured = {verdict.used_frames} used + {verdict.dropped_frames} dropped"
    return [*lines, f"frames      {account}", f"problems    {'; '.join(verdict.problems) or 'none'}"]


def _wait_for_labels(supervisor: Supervisor) -> None:
    until_s = time.monotonic() + START_LIMIT_S
    while supervisor.alive and time.monotonic() < until_s:
        newest = supervisor.latest().prediction
        if newest is not None and newest.audio_coverage > 0 and newest.video_coverage > 0:
            return
        time.sleep(0.1)
    raise supervisor.error or EgoactError(f"no label of picture and sound within {START_LIMIT_S:.0f} s; is it --clip?")


def _ends(counts: Sequence[int]) -> tuple[int, int]:
    quarter = max(1, len(counts) // 4)
    # The median: a file that is open for a moment while it is read is no leak.
    return round(median(counts[:quarter])), round(median(counts[-quarter:]))
