"""The tables of measured engines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from edge.bench.distribution import Distribution
from edge.bench.engine_bench import EngineBench
from edge.bench.ratio import Ratio, paired_ratio
from edge.bench.table import Table
from edge.bundle import GRAPHS
from edge.precision import Precisions

ROW_SHARE = 0.9
"""Of the hop that a row may take, so that there is room for what is not an engine."""
_SHOWN = ("min", "mean", "median", "p90", "p95", "p99", "max")


def latency_table(engines: Sequence[EngineBench]) -> Table:
    """Whole calls, in ms."""
    table = Table(("<engine", "<runs as", *_SHOWN, "a second"))
    for bench in engines:
        cells = [milliseconds(getattr(bench.total, name)) for name in _SHOWN]
        table.add(bench.engine, bench.candidate.name, *cells, f"{bench.throughput_hz:.1f}")
    return table


def part_table(engines: Sequence[EngineBench]) -> Table:
    """Parts of a call on a GPU, in ms."""
    table = Table(("<engine", "<runs as", "<part", *_SHOWN))
    for bench in engines:
        parts = (
            ("enqueue", bench.enqueue),
            ("host to device", bench.h2d),
            ("compute", bench.compute),
            ("device to host", bench.d2h),
        )
        for name, part in parts:
            if bench.enqueue is not None and part is not None:
                shown = [milliseconds(getattr(part, figure)) for figure in _SHOWN]
                table.add(bench.engine, bench.candidate.name, name, *shown)
    return table


def cost_table(engines: Sequence[EngineBench]) -> Table:
    """What an engine costs beside its time: start, size, memory, power."""
    device, build, power = (
        any(bench.cold is not None and bench.cold.device_memory_mb is not None for bench in engines),
        any(bench.build_s is not None for bench in engines),
        any(bench.milliwatts is not None for bench in engines),
    )
    columns = ["<engine", "<runs as", "import s", "load s", "first ms", "warm-up runs", "file MB", "memory MB"]
    columns += ["GPU MB"] * device + ["build s"] * build + ["mW", "mJ"] * power
    table = Table(columns)
    for bench in engines:
        cold = bench.cold
        cells = [f"{cold.import_s:.2f}", f"{cold.load_s:.2f}", f"{cold.first_ms:.1f}"] if cold else ["-"] * 3
        cells += [f"{bench.warm_up_runs}{'' if bench.stable else '+'}", f"{bench.size_bytes / 1e6:.1f}"]
        cells.append(f"{cold.memory_mb:.0f}" if cold else "-")
        if device:
            cells.append("-" if cold is None else _or_dash(cold.device_memory_mb, 0))
        if build:
            cells.append(_or_dash(bench.build_s, 1))
        if power:
            cells += [_or_dash(bench.milliwatts, 0), _or_dash(bench.mj_per_inference, 1)]
        table.add(bench.engine, bench.candidate.name, *cells)
    return table


def reference_of(bench: EngineBench, engines: Sequence[EngineBench]) -> EngineBench | None:
    """What an engine is compared with: FP32 on the processor with the same threads, else the first FP32."""
    same = [e for e in engines if e.engine == bench.engine and e.precision == "f32"]
    exact = [e for e in same if e.backend == "cpu" and e.threads == bench.threads]
    return next(iter(exact or same), None)


def speed_up(bench: EngineBench, engines: Sequence[EngineBench]) -> Ratio | None:
    """How many times as fast as its reference; None for the reference itself, or without one."""
    reference = reference_of(bench, engines)
    if reference is None or reference is bench or len(reference.round_medians_ms) != len(bench.round_medians_ms):
        return None
    return paired_ratio(reference.round_medians_ms, bench.round_medians_ms)


def sweep_table(engines: Sequence[EngineBench]) -> Table:
    """One line a combination, with its speed against FP32 on the processor with the same threads."""
    table = Table(
        ("<engine", "<back end", "<precision", "threads", "median ms", "p99 ms", "a second", "<x as fast as f32")
    )
    for bench in sorted(engines, key=lambda e: (GRAPHS.index(e.engine), e.total.median)):
        ratio = speed_up(bench, engines)
        table.add(
            bench.engine,
            bench.backend,
            bench.precision,
            str(bench.threads or "-"),
            milliseconds(bench.total.median),
            milliseconds(bench.total.p99),
            f"{bench.throughput_hz:.1f}",
            "1" if ratio is None else str(ratio),
        )
    return table


def row_table(engines: Sequence[EngineBench], frame_rate_hz: int, hop_frames: int) -> Table:
    """What the four engines together make of it: time of a row, the part of the hop, the shortest hop that it holds."""
    table = Table(
        ("<back end", "<backbones in", "threads", "row ms", "rows a second", "part of the hop", "shortest hop")
    )
    for row in _rows(engines):
        video, audio = row[GRAPHS.index("video")], row[GRAPHS.index("audio")]
        row_ms = sum(bench.total.median for bench in row)
        frames = math.ceil(row_ms * frame_rate_hz / (1e3 * ROW_SHARE))
        table.add(
            video.backend,
            Precisions(video.precision, audio.precision).key,
            str(video.threads or "-"),
            milliseconds(row_ms),
            f"{1e3 / row_ms:.1f}",
            f"{row_ms * frame_rate_hz / (10 * hop_frames):.0f} %",
            f"{frames} frame{'s' if frames > 1 else ''}",
        )
    return table


def _rows(engines: Sequence[EngineBench]) -> Iterator[list[EngineBench]]:
    """Engines that would run together: both backbones in one precision, or in the only one that there is of each."""
    for backend, threads in dict.fromkeys((e.backend, e.threads) for e in engines):
        of = {
            name: [e for e in engines if (e.engine, e.backend, e.threads) == (name, backend, threads)]
            for name in GRAPHS
        }
        alone = len(of["video"]) == len(of["audio"]) == 1
        for row in itertools.product(*of.values()):
            video, audio = row[GRAPHS.index("video")], row[GRAPHS.index("audio")]
            if alone or video.precision == audio.precision:
                yield list(row)


def milliseconds(value: float) -> str:
    """Three digits that count."""
    return (
        f"{value:.0f}"
        if value >= 100
        else f"{value:.1f}"
        if value >= 10
        else f"{value:.2f}"
        if value >= 1
        else f"{value:.3f}"
    )


def distribution_cells(values: Distribution) -> list[str]:
    """In the order of `DISTRIBUTION_COLUMNS`."""
    return [milliseconds(getattr(values, name)) for name in _SHOWN]


DISTRIBUTION_COLUMNS = _SHOWN


def _or_dash(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
