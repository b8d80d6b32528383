"""Engines timed side by side: each is warmed up until it is stable, then all take turns, round after round.

Turns, because a busy moment of the machine then hits all alike: ratios of medians hold where times do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.bench.bounds import warnings_of
from edge.bench.candidate import Candidate, LoadedEngine
from edge.bench.cold_start import ColdStart
from edge.bench.distribution import Distribution, distribution
from edge.bench.power_meter import PowerMeter
from edge.bench.timed_run import Runner, TimedRun, runner
from edge.bench.warm_up import WarmUp, warm_up
from edge.clock import Clock
from edge.engines.base import Tensors
from edge.power import PowerReader

ROUNDS = 5
FEWEST_RUNS = 2
"""Of a turn, however slow the engine is."""
MOST_RUNS = 1000


@dataclass(frozen=True)
class EngineBench:
    """One line of the table; every distribution is in ms."""

    engine: str
    backend: str
    precision: str
    threads: int
    total: Distribution
    """From the call to its outputs in the processor's memory."""
    compute: Distribution
    enqueue: Distribution | None
    h2d: Distribution | None
    d2h: Distribution | None
    throughput_hz: float
    """Inferences a second, one after the other."""
    round_medians_ms: tuple[float, ...]
    """Median of `total` in each round: what ratios and their spread are taken from."""
    warm_up_runs: int
    stable: bool
    cold: ColdStart | None
    size_bytes: int
    build_s: float | None
    milliwatts: float | None
    """Mean power of the board while it ran."""
    mj_per_inference: float | None
    warnings: tuple[str, ...]

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.engine, self.backend, self.precision, self.threads)


def bench_engines(
    engines: Mapping[Candidate, LoadedEngine],
    inputs: Mapping[str, Tensors],
    *,
    seconds: float,
    rounds: int = ROUNDS,
    cold: Mapping[Candidate, ColdStart] | None = None,
    power: PowerReader | None = None,
    clock: Clock | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> list[EngineBench]:
    """Measure loaded engines; the calling thread owns them.

    Args:
        inputs: by engine name.
        seconds: of measurement for each engine, over all rounds.
    """
    clock, reader = clock or Clock(), power or PowerReader()
    lanes = []
    for candidate, loaded in engines.items():
        progress(f"warming up: {candidate.engine} {candidate.name}")
        lanes.append(_Lane(candidate, loaded, runner(loaded.engine, inputs[candidate.engine], clock), reader))
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for lane in lanes:
            lane.turn(seconds / rounds)
    return [lane.result((cold or {}).get(lane.candidate)) for lane in lanes]


class _Lane:
    """One engine through all rounds."""

    def __init__(self, candidate: Candidate, loaded: LoadedEngine, run: Runner, reader: PowerReader) -> None:
        self.candidate = candidate
        self._loaded = loaded
        self._run = run
        self._warm: WarmUp = warm_up(lambda: run().total)
        self._meter = PowerMeter(reader)
        self._rounds: list[list[TimedRun]] = []

    def turn(self, seconds: float) -> None:
        """As many runs as fit into the time; the one before them only brings the engine back into the caches."""
        runs = int(min(MOST_RUNS, max(FEWEST_RUNS, 1e3 * seconds / max(self._warm.last_ms, 1e-3))))
        self._run()
        with self._meter:
            self._rounds.append([self._run() for _ in range(runs)])

    def result(self, cold: ColdStart | None) -> EngineBench:
        taken = [run for runs in self._rounds for run in runs]
        total, compute = distribution([run.total for run in taken]), distribution([run.compute for run in taken])
        enqueue, h2d, d2h = (_of(values) for values in zip(*((r.enqueue, r.h2d, r.d2h) for r in taken), strict=True))
        milliwatts = self._meter.milliwatts
        return EngineBench(
            engine=self.candidate.engine,
            backend=self.candidate.backend,
            precision=self.candidate.precision,
            threads=self.candidate.threads,
            total=total,
            compute=compute,
            enqueue=enqueue,
            h2d=h2d,
            d2h=d2h,
            throughput_hz=1e3 / total.mean,
            round_medians_ms=tuple(float(np.median([run.total for run in runs])) for runs in self._rounds),
            warm_up_runs=self._warm.runs,
            stable=self._warm.stable,
            cold=cold,
            size_bytes=self._loaded.size_bytes,
            build_s=self._loaded.build_s,
            milliwatts=milliwatts,
            mj_per_inference=None if milliwatts is None else milliwatts * total.mean / 1e3,
            warnings=warnings_of(
                compute=compute,
                enqueue=enqueue,
                h2d=h2d,
                d2h=d2h,
                warm=self._warm,
                throttling=tuple(self._meter.throttling),
            ),
        )


def _of(values: Sequence[float | None]) -> Distribution | None:
    known = [value for value in values if value is not None]
    return distribution(known) if known else None
