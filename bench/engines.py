"""How long a row takes on this processor: eager PyTorch, ONNX Runtime, and OpenVINO in FP32, BF16 and INT8.

A row is what the device computes every 16 frames: video on 32 frames, log-mel and audio on 2.13 s of sound, the head.
Every back end is a process of its own that stays; they take turns, one row each, so that a busy machine is busy for all
of them. Medians and minima over the turns, ratios of medians. Weights are random: speed does not depend on them.

Sizes: small (128 px, small BEATs), r50 and r101 (SlowFast 8x8 at 256 px, BEATs base, head of 4096 and 512).
With --patience a turn waits until nobody else computes, for at most that many seconds. On a machine that never rests,
take --threads 1 and read the processor time: it does not count the others' turns.

example:
  python -m bench.engines --turns 15 --patience 30 --json engines.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.engine_worker import ENGINES, Row, work
from edge.precision import processor_can

SIZES = ("small", "r50", "r101")
BACKENDS = ("torch f32", "onnxruntime f32", "openvino f32", "openvino bf16", "openvino int8")
QUIET = 0.1
"""Cores that others may use while a turn is still called quiet."""
TURN_S = 0.25
"""How long the machine is watched before a turn."""


@dataclass(frozen=True)
class Result:
    """One back end at one size; milliseconds by engine and, as 'row', of the whole row."""

    size: str
    backend: str
    median_ms: dict[str, float]
    minimum_ms: dict[str, float]
    processor_ms: dict[str, float]
    """Median processor time."""
    peak_mb: float
    turns: int
    quiet_turns: int
    """Turns before which nobody else computed."""


def measure(size: str, folder: Path, threads: int, turns: int, patience_s: float) -> list[Result]:
    """Time all back ends on the graphs in `folder`, in turns."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for backend in BACKENDS:
        if not processor_can(backend.split(" ")[1]):
            continue
        pipes[backend], theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, backend, size, folder, threads), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        pipes[backend].recv()
    rows: dict[str, list[Row]] = {backend: [] for backend in pipes}
    quiet = dict.fromkeys(pipes, 0)
    try:
        for _ in range(turns):
            for backend, pipe in pipes.items():
                quiet[backend] += _wait_for_quiet(patience_s)
                pipe.send("row")
                rows[backend].append(pipe.recv())
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return [_result(size, backend, found, quiet[backend]) for backend, found in rows.items()]


def _result(size: str, backend: str, rows: list[Row], quiet: int) -> Result:
    times = _with_row({name: [1e3 * row.seconds[name] for row in rows] for name in ENGINES})
    used = _with_row({name: [1e3 * row.processor_s[name] for row in rows] for name in ENGINES})
    return Result(
        size=size,
        backend=backend,
        median_ms={name: statistics.median(values) for name, values in times.items()},
        minimum_ms={name: min(values) for name, values in times.items()},
        processor_ms={name: statistics.median(values) for name, values in used.items()},
        peak_mb=max(row.peak_mb for row in rows),
        turns=len(rows),
        quiet_turns=quiet,
    )


def _with_row(by_engine: dict[str, list[float]]) -> dict[str, list[float]]:
    return {**by_engine, "row": [sum(parts) for parts in zip(*by_engine.values(), strict=True)]}


def _wait_for_quiet(patience_s: float) -> bool:
    """Whether nobody computes; waits until then, for at most `patience_s`."""
    give_up = time.monotonic() + patience_s
    while True:
        before, started = _busy_s(), time.monotonic()
        time.sleep(TURN_S)
        used = (_busy_s() - before) / (time.monotonic() - started)
        if used <= QUIET or time.monotonic() >= give_up:
            return used <= QUIET


def _busy_s() -> float:
    """Processor seconds that all processes of the machine used so far; 0 where /proc is not there."""
    try:
        user, nice, system, *_ = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    except OSError:
        return 0.0
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _make(size: str, folder: Path, threads: int) -> None:
    # Imported here: every back end's process imports this module, and must not carry PyTorch in its memory.
    from bench.engine_graphs import SIZES, write_graphs

    write_graphs(SIZES[size], folder, threads)


def markdown(results: list[Result], threads: int) -> str:
    """Tables, one a size, with the ratios of medians to eager PyTorch."""
    lines = [f"{platform.processor() or platform.machine()}, {threads} threads; ms, median (minimum)"]
    for size in dict.fromkeys(result.size for result in results):
        chosen = [result for result in results if result.size == size]
        eager = next(result for result in chosen if result.backend == BACKENDS[0])
        lines += [
            "",
            f"| {size} | {' | '.join(ENGINES)} | row | times as fast | processor time | times as little | peak MB |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for result in chosen:
            cells = [f"{result.median_ms[name]:.1f} ({result.minimum_ms[name]:.1f})" for name in (*ENGINES, "row")]
            cells += [
                f"{eager.median_ms['row'] / result.median_ms['row']:.2f}",
                f"{result.processor_ms['row']:.1f}",
                f"{eager.processor_ms['row'] / result.processor_ms['row']:.2f}",
                f"{result.peak_mb:.0f}",
            ]
            lines.append(f"| {result.backend} | {' | '.join(cells)} |")
        lines.append(f"{chosen[0].turns} turns, {min(r.quiet_turns for r in chosen)} or more of them quiet")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=list(SIZES), help="default: all")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="default: all cores")
    parser.add_argument("--turns", type=int, default=15, help="rows of every back end (default: 15)")
    parser.add_argument(
        "--patience", type=float, default=0.0, metavar="S", help="wait for a quiet machine (default: 0)"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep the graphs there, and take them from there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    args = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as temporary:
        for size in args.size:
            folder = (args.work or Path(temporary)) / size
            if not (folder / "inputs.npz").exists():
                folder.mkdir(parents=True, exist_ok=True)
                maker = multiprocessing.get_context("spawn").Process(target=_make, args=(size, folder, args.threads))
                maker.start()
                maker.join()
            results += measure(size, folder, args.threads, args.turns, args.patience)
    print(markdown(results, args.threads))
    if args.json:
        args.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


if __name__ == "__main__":
    main()
