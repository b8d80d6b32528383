"""The tables and sentences of a measured pipeline."""

from __future__ import annotations

from edge.bench.engine_tables import DISTRIBUTION_COLUMNS, distribution_cells, milliseconds
from edge.bench.pipeline_bench import PipelineBench, RateRun
from edge.bench.table import Table


def stage_table(bench: PipelineBench) -> Table:
    """Stages in the order of the data flow, and the label age that they add up to, in ms."""
    ages = bench.ages
    table = Table(("<stage", *DISTRIBUTION_COLUMNS, "part of age"))
    for name, stage in ages.stages.items():
        share = f"{100 * stage.mean / ages.age.mean:.1f} %"
        table.add(name, *distribution_cells(stage), share)
    table.add("label age", *distribution_cells(ages.age), f"{100 * ages.explained:.1f} %")
    return table


def pipeline_lines(bench: PipelineBench) -> list[str]:
    """What was found, in words."""
    ages = bench.ages
    lines = [
        f"label age   p50 {ages.age.median:.0f} ms, p95 {ages.age.p95:.0f} ms, p99 {ages.age.p99:.0f} ms",
        f"explained   {100 * ages.explained:.1f} % of it by the stages; "
        f"{100 * ages.explained_min:.1f} % of the label of which they explain least",
        f"frames      {_account(bench)}",
    ]
    if bench.injected_ms:
        slower = ", ".join(f"{name} by {ms:g} ms" for name, ms in bench.injected_ms.items())
        lines.append(f"made slower {slower}, on purpose")
    real_hz = 1e3 / bench.hop_ms
    if bench.highest is None:
        lines.append("highest     no rate that was tried holds: the machine is too slow, or too busy with other things")
    else:
        high = bench.highest
        lines.append(
            f"highest     {high.rows_hz:.1f} rows a second hold ({high.rows_hz / real_hz:.1f} x real pace): "
            f"label age p50 {milliseconds(high.ages.age.median)} ms, p99 {milliseconds(high.ages.age.p99)} ms, "
            f"{high.skipped_rows} of {high.rows + high.skipped_rows} rows skipped"
        )
    return [*lines, *_overload_lines(bench.overload)]


def _overload_lines(run: RateRun) -> list[str]:
    wait, age, due = run.ages.stages["wait"], run.ages.age, run.rows + run.skipped_rows
    return [
        f"overload    {run.rows_hz:.1f} rows a second asked, {run.labels_hz:.1f} made "
        f"({run.rows_hz / max(run.labels_hz, 1e-9):.1f} x): {run.skipped_rows} of {due} rows skipped",
        f"            label age p50 {milliseconds(age.median)} ms, p99 {milliseconds(age.p99)} ms: "
        f"a row takes {milliseconds(run.ages.row_ms)} ms and waits {milliseconds(wait.median)}, "
        f"p99 {milliseconds(wait.p99)} ms",
        f"            in hops of {run.hop_ms:.0f} ms: label age p99 {age.p99 / run.hop_ms:.1f}, "
        f"wait p99 {wait.p99 / run.hop_ms:.1f}; memory grew by {run.memory_growth_mb:+.1f} MB",
        f"            frames {_account(run)}",
    ]


def _account(run: PipelineBench | RateRun) -> str:
    return f"{run.captured_frames} captured = {run.used_frames} used + {run.dropped_frames} dropped"
