"""Fabricated measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.bench.cold_start import ColdStart
from edge.bench.distribution import distribution
from edge.bench.engine_bench import EngineBench
from edge.bench.label_age import LabelAges
from edge.bench.machine import Machine
from edge.bench.pipeline_bench import PipelineBench, RateRun
from edge.bench.report import BenchReport

MACHINE = Machine(
    processor="Some Processor",
    cores=2,
    fast_precisions=("f32", "int8"),
    memory_gb=8.0,
    kernel="6.1",
    python="3.11.0",
    board=None,
    jetpack=None,
    power_mode=None,
    clocks_pinned=None,
    governor=None,
    clock_mhz=2000.0,
    load_1min=0.1,
    gpu=None,
    packages={"egoact": "0.1.0"},
)


def engine_bench(
    engine: str = "video",
    precision: str = "f32",
    rounds_ms: Sequence[float] = (10.0, 10.1, 9.9),
    *,
    backend: str = "cpu",
    threads: int = 1,
) -> EngineBench:
    values = distribution(list(rounds_ms))
    gpu = distribution([0.5, 0.6]) if backend == "tensorrt" else None
    return EngineBench(
        engine=engine,
        backend=backend,
        precision=precision,
        threads=threads,
        total=values,
        compute=values,
        enqueue=gpu,
        h2d=gpu,
        d2h=gpu,
        throughput_hz=1e3 / values.mean,
        round_medians_ms=tuple(rounds_ms),
        warm_up_runs=12,
        stable=True,
        cold=ColdStart(0.2, 0.5, 30.0, 60.0, 200.0, None),
        size_bytes=3_000_000,
        build_s=None,
        milliwatts=None,
        mj_per_inference=None,
        warnings=(),
    )


def four_engines(precision: str = "f32", slower: float = 1.0, **options: object) -> tuple[EngineBench, ...]:
    times = {"video": 40.0, "fbank": 1.0, "audio": 8.0, "head": 0.1}
    return tuple(
        engine_bench(
            name,
            precision if name in ("video", "audio") else "f32",
            [slower * ms * wobble for wobble in (1.0, 1.01, 0.99, 1.02, 0.98)],
            **options,  # type: ignore[arg-type]
        )
        for name, ms in times.items()
    )


def label_ages(scale: float = 1.0) -> LabelAges:
    stages = {"wait": 2.0, "window": 1.0, "video": 40.0, "fbank": 1.0, "audio": 8.0, "head": 0.5, "decide": 0.1}
    return LabelAges(
        age=distribution([scale * 53.0, scale * 55.0]),
        stages={name: distribution([scale * ms, scale * ms]) for name, ms in stages.items()},
        explained=0.99,
        explained_min=0.98,
        stretch_medians_ms=tuple(scale * value for value in (53.0, 54.0, 55.0, 53.5)),
    )


def rate_run(*, skipped_rows: int = 0) -> RateRun:
    return RateRun(20.0, 19.0, 50.0, 190, skipped_rows, label_ages(), 3200, 3000, 200, 0.1)


def pipeline_bench(scale: float = 1.0) -> PipelineBench:
    return PipelineBench(
        clip="kitchen.mp4",
        precision="f32",
        threads=1,
        injected_ms={},
        labels=56,
        hop_ms=533.3,
        ages=label_ages(scale),
        captured_frames=900,
        used_frames=900,
        dropped_frames=0,
        memory_mb=200.0,
        highest=rate_run(),
        overload=replace(rate_run(skipped_rows=200), labels_hz=10.0),
    )


def report(**changes: object) -> BenchReport:
    made = BenchReport(
        kind="engines",
        bundle="tiny, 5 labels",
        machine=MACHINE,
        selection={},
        engines=four_engines(),
        foreign_load=0.01,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
