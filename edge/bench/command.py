"""How fast, how late, how much power: engines, the pipeline from sensor to label, sweeps, soaks.

Without a mode: each engine in the precision that `auto` chooses, warmed up until it is stable.
--pipeline   a clip at real pace: label age and its stages, the highest rate that holds, overload
--sweep      precisions, threads and back ends taking turns in one table
--soak 8h    a live run of so long: does any of its processes grow?

example:
  egoact bench --sweep --threads 1,2 --json today.json --picture today.svg
  egoact bench --pipeline --compare yesterday.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edge.bench.candidate import ALL, BACKENDS, Candidate, candidates, load_candidate, usable_backends
from edge.bench.cold_start import ColdStart, cold_start
from edge.bench.comparison import compare_reports, comparison_notes, comparison_table
from edge.bench.delayed_engine import delayed
from edge.bench.engine_bench import ROUNDS, bench_engines
from edge.bench.foreign_load import ForeignLoad
from edge.bench.machine import machine_facts
from edge.bench.options import check_modes, counts, delays_ms, duration_s, names
from edge.bench.picture import picture
from edge.bench.pipeline_bench import bench_pipeline
from edge.bench.power_meter import PowerMeter
from edge.bench.report import BenchReport, Kind, read_report, report_data, selection_of, write_text
from edge.bench.sample_inputs import sample_inputs
from edge.bench.text import markdown, text_lines
from edge.bundle import GRAPHS, SHIPPED, Bundle, load_bundle
from edge.demo import DEMO
from edge.engines.gpu import Gpu, find_gpu
from edge.engines.load import load_engines
from edge.errors import NoGpuError, UsageError
from edge.power import PowerReader
from edge.precision import AUTO, choose, temperature
from edge.recognizer import Recognizer


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("bundle", nargs="?", type=Path, default=SHIPPED, metavar="BUNDLE", help="default: the one that is built in")
    add("--pipeline", action="store_true", help="from sensor to label")
    add("--sweep", action="store_true", help="everything that the bundle and this machine can do, in one table")
    add("--soak", metavar="TIME", help="8h, 30m, 90s: a live run of the clip, again and again")
    add("--engine", action="append", choices=GRAPHS, help="only this one; may be given more than once")
    add("--precision", metavar="P,..", help="f32, bf16, f16, int8, auto (default) or all (default of --sweep)")
    add("--backend", metavar="B,..", help="cpu (default), tensorrt, onnxruntime, or all (default of --sweep)")
    add("--threads", default="", metavar="N,..", help="processor threads (default: all cores)")
    add("--clip", type=Path, metavar="CLIP", help="to measure with (default: the built-in one)")
    add("--seconds", type=float, metavar="S", help="of each engine (default: 3), or of the clip (default: 30)")
    add("--rounds", type=int, default=ROUNDS, metavar="N", help=f"in which engines take turns (default: {ROUNDS})")
    add("--no-cold", action="store_true", help="do not start every engine in a process of its own")
    add("--inject", action="append", default=[], metavar="E=MS", help="make an engine slower: is it found?")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    add("--markdown", type=Path, metavar="FILE", help="write the tables there")
    add("--picture", type=Path, metavar="FILE", help="write an SVG there")
    add("--compare", type=Path, metavar="OLD", help="an earlier --json file: ratios to it, with their spread")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    check_modes(args)
    if args.rounds < 1 or (args.seconds is not None and not args.seconds > 0):
        raise UsageError("--rounds must be at least 1, and --seconds more than 0")
    bundle = load_bundle(args.bundle)
    clip = args.clip or min(DEMO.glob("*.mp4"))
    if args.soak:
        from edge.bench.soak import soak  # processes of a live run only when they are wanted

        return soak(bundle, clip, duration_s(args.soak), args.precision or AUTO, _one_count(args.threads), args.json)
    old = read_report(args.compare) if args.compare else None
    load = ForeignLoad()
    report = _pipeline(args, bundle, clip) if args.pipeline else _engines(args, bundle, clip)
    report = replace(report, foreign_load=load.share())
    print("\n".join(text_lines(report, bundle.window)))
    if old is not None:
        new = report_data(report)
        print("\n".join(["", *comparison_table(compare_reports(old, new)).text()]))
        print("\n".join(comparison_notes(old, new, args.compare)))
    _write(args, report, bundle)
    return 0


def _engines(args: argparse.Namespace, bundle: Bundle, clip: Path) -> BenchReport:
    kind: Kind = "sweep" if args.sweep else "engines"
    default = ALL if args.sweep else AUTO
    backends, gpu = _backends(args)
    wanted = candidates(
        bundle,
        engines=args.engine or GRAPHS,
        backends=backends,
        precisions=names(args.precision or default),
        threads=counts(args.threads) if args.threads else (),
    )
    machine = machine_facts(gpu=gpu)
    find: Callable[[], Gpu] = find_gpu if gpu is None else lambda: gpu
    power = PowerReader()
    with PowerMeter(power) as idle:
        inputs = sample_inputs(bundle, clip)
    cold: dict[Candidate, ColdStart] = {}
    if not args.no_cold and not args.sweep:
        for candidate in wanted:
            _progress(f"cold start: {candidate.engine} {candidate.name}")
            cold[candidate] = cold_start(bundle.path, candidate)
    loaded = {}
    try:
        for candidate in wanted:
            loaded[candidate] = load_candidate(bundle, candidate, find)
        measured = bench_engines(
            loaded,
            inputs,
            seconds=args.seconds or 3.0,
            rounds=args.rounds,
            cold=cold,
            power=power,
            progress=_progress,
        )
    finally:
        for engine in loaded.values():
            engine.engine.close()
    return BenchReport(
        kind=kind,
        bundle=bundle.describe(),
        machine=machine,
        selection=selection_of(bundle),
        engines=tuple(measured),
        idle_milliwatts=idle.milliwatts,
    )


def _pipeline(args: argparse.Namespace, bundle: Bundle, clip: Path) -> BenchReport:
    backends, gpu = _backends(args)
    if backends not in (("cpu",), ("tensorrt",)):
        raise UsageError("--pipeline runs on one back end: cpu or tensorrt")
    machine, delays = machine_facts(gpu=gpu), delays_ms(args.inject)
    found, threads = [], _one_count(args.threads)
    for asked in names(args.precision or AUTO):
        precisions = choose(bundle, asked, backends[0])
        engines = load_engines(bundle, precisions, threads=threads)
        try:
            recognizer = Recognizer(bundle, delayed(engines, delays), temperature=temperature(bundle, precisions))
            seconds = args.seconds or 30.0
            found.append(
                bench_pipeline(
                    recognizer,
                    clip,
                    precision=precisions.key,
                    threads=threads,
                    seconds=seconds,
                    rate_seconds=max(1.0, seconds / 6),
                    injected_ms=delays,
                    progress=_progress,
                )
            )
        finally:
            engines.close()
    return BenchReport(
        kind="pipeline",
        bundle=bundle.describe(),
        machine=machine,
        selection=selection_of(bundle),
        pipeline=tuple(found),
    )


def _backends(args: argparse.Namespace) -> tuple[tuple[str, ...], Gpu | None]:
    """Those that were asked for; the GPU is looked for only when one of them needs it."""
    asked = names(args.backend or (ALL if args.sweep else "cpu"))
    if asked != (ALL,):
        return asked, find_gpu() if "tensorrt" in asked else None
    try:
        gpu: Gpu | None = find_gpu()
    except NoGpuError:
        gpu = None
    usable = (*usable_backends(), *(("tensorrt",) if gpu is not None else ()))
    return tuple(name for name in BACKENDS if name in usable), gpu


def _one_count(text: str) -> int:
    """Threads of a run that knows one number: all cores when none was given."""
    given: Sequence[int] = counts(text) if text else (os.cpu_count() or 1,)
    if len(given) != 1:
        raise UsageError(f"--threads {text}: one number, or --sweep")
    return given[0]


def _write(args: argparse.Namespace, report: BenchReport, bundle: Bundle) -> None:
    if args.json:
        write_text(args.json, json.dumps(report_data(report), indent=1) + "\n")
    if args.markdown:
        write_text(args.markdown, markdown(report, bundle.window))
    if args.picture:
        write_text(args.picture, picture(report))


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
