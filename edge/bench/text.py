"""A report as lines for a terminal and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from edge.bench.bounds import busy_warning
from edge.bench.engine_bench import EngineBench
from edge.bench.engine_tables import cost_table, latency_table, part_table, row_table, sweep_table
from edge.bench.machine import Machine
from edge.bench.pipeline_tables import pipeline_lines, stage_table
from edge.bench.report import BenchReport
from edge.bench.table import Table
from edge.contract import WindowSpec
from edge.text import cut, printable

WIDTH = 100
REASON_CELLS = 400
"""A reason may name every layer that stays in floating point."""
_INDENT = " " * 12

Block = Table | list[str]


def text_lines(report: BenchReport, window: WindowSpec) -> list[str]:
    """For a terminal, at most about 100 columns wide."""
    lines: list[str] = []
    for title, block in _blocks(report, window):
        lines += ([""] if lines else []) + ([title] if title else [])
        if isinstance(block, Table):
            lines += block.text()
        else:
            for line in block:
                lines += textwrap.wrap(
                    printable(line), WIDTH, subsequent_indent=_INDENT, drop_whitespace=False, break_on_hyphens=False
                ) or [""]
    return [line.rstrip() for line in lines]


def markdown(report: BenchReport, window: WindowSpec) -> str:
    """The same as a document."""
    parts = [f"# egoact bench: {report.kind}", ""]
    for title, block in _blocks(report, window):
        parts += [f"## {title}", ""] if title else []
        parts += block.markdown() if isinstance(block, Table) else ["```", *block, "```"]
        parts.append("")
    return "\n".join(parts)


def _blocks(report: BenchReport, window: WindowSpec) -> Iterator[tuple[str, Block]]:
    yield "", _about(report)
    engines = report.engines
    if report.kind == "sweep":
        yield "Engines, in turns", sweep_table(engines)
        yield "A row of all four engines (medians)", row_table(engines, window.frame_rate_hz, window.hop_frames)
    elif engines:
        yield "Latency of a call (ms)", latency_table(engines)
        if (parts := part_table(engines)).rows:
            yield "Parts of a call on the GPU (ms)", parts
        yield "Start, size, memory" + (", power" if _measured_power(report) else ""), cost_table(engines)
        if (row := row_table(engines, window.frame_rate_hz, window.hop_frames)).rows:
            yield "A row of all four engines (medians)", row
    for bench in report.pipeline:
        yield f"{bench.clip} at real pace, {bench.precision}, {bench.threads} threads (ms)", stage_table(bench)
        yield "", pipeline_lines(bench)
    if warnings := list(_warnings(report)):
        yield "Mind", warnings


def _about(report: BenchReport) -> list[str]:
    lines = [f"bundle      {report.bundle}", *_machine_lines(report.machine)]
    for backend, engines in report.selection.items():
        for name, choice in engines.items():
            lines.append(f"chosen      {name} on {backend}: {cut(choice['reason'], REASON_CELLS)}")
    if not report.selection:
        lines.append("chosen      f32: the bundle has no measured choice; make one with `egoact calibrate`")
    return lines


def _machine_lines(machine: Machine) -> list[str]:
    fast = ", ".join(machine.fast_precisions)
    memory = f", {machine.memory_gb:.0f} GB" if machine.memory_gb else ""
    lines = [f"machine     {machine.board or machine.processor}, {machine.cores} cores{memory}; fast in {fast}"]
    if machine.gpu:
        lines.append(f"gpu         {machine.gpu}")
    clock = [f"{machine.clock_mhz:.0f} MHz" if machine.clock_mhz else "clock unknown"]
    clock += [f"governor {machine.governor}"] * bool(machine.governor)
    clock += [f"power mode {machine.power_mode}"] * bool(machine.power_mode)
    if machine.clocks_pinned is not None:
        clock.append("clocks pinned" if machine.clocks_pinned else "clocks follow the load")
    lines.append(f"clocks      {', '.join(clock)}; load average {machine.load_1min:.1f} before")
    jetpack = f"JetPack {machine.jetpack}, " if machine.jetpack else ""
    versions = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    return [*lines, f"software    {jetpack}Python {machine.python}, {versions}"]


def _warnings(report: BenchReport) -> Iterator[str]:
    told: dict[str, list[EngineBench]] = {}
    for bench in report.engines:
        for warning in bench.warnings:
            told.setdefault(warning, []).append(bench)
    for warning, benches in told.items():
        first = benches[0]
        more = f" and {len(benches) - 1} more" if len(benches) > 1 else ""
        yield f"{first.engine:<12}{first.candidate.name}{more}: {warning}"
    if (busy := busy_warning(report.foreign_load)) is not None:
        yield f"{'machine':<12}{busy}"
    if report.idle_milliwatts is not None:
        yield f"{'power':<12}the whole board, which takes {report.idle_milliwatts:.0f} mW when nothing runs"
    for note in report.notes:
        yield f"{'note':<12}{note}"


def _measured_power(report: BenchReport) -> bool:
    return any(bench.milliwatts is not None for bench in report.engines)
