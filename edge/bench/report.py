"""What one `egoact bench` found, and its JSON: one object, `format` 1, times in ms unless the name says otherwise.

format, kind ('engines', 'sweep' or 'pipeline'), bundle, machine {...}, selection {backend: {engine: {precision,
reason}}}, foreign_load (0..1 or null), idle_milliwatts (or null), notes [text],
engines  [{engine, backend, precision, threads, total {runs, min, mean, median, p90, p95, p99, max}, compute, enqueue,
           h2d, d2h, throughput_hz, round_medians_ms, warm_up_runs, stable, cold {...}, size_bytes, build_s,
           milliwatts, mj_per_inference, warnings}],
pipeline [{clip, precision, threads, injected_ms, labels, hop_ms, ages {age, stages {stage: {...}}, explained,
           explained_min, stretch_medians_ms}, captured_frames, used_frames, dropped_frames, memory_mb,
           highest {rows_hz, ...} or null, overload {...}}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from edge.bench.engine_bench import EngineBench
from edge.bench.machine import Machine
from edge.bench.pipeline_bench import PipelineBench
from edge.bundle import Bundle
from edge.errors import EgoactError, UsageError
from edge.json_text import read_json
from edge.whole_file import write_whole_file

FORMAT = 1
DIGITS = 5
Kind = Literal["engines", "sweep", "pipeline"]


@dataclass(frozen=True)
class BenchReport:
    """Everything that is printed, drawn and compared."""

    kind: Kind
    bundle: str
    machine: Machine
    selection: Mapping[str, Mapping[str, Mapping[str, str]]]
    """Back end -> engine -> precision and reason, as the bundle has them."""
    engines: tuple[EngineBench, ...] = ()
    pipeline: tuple[PipelineBench, ...] = ()
    foreign_load: float | None = None
    """Share of the processor that other programs took meanwhile."""
    idle_milliwatts: float | None = None
    """Power of the board before anything ran."""
    notes: tuple[str, ...] = ()
    format: int = FORMAT


def selection_of(bundle: Bundle) -> dict[str, dict[str, dict[str, str]]]:
    """What evidence chose, and why."""
    return {
        backend: {name: {"precision": c.precision, "reason": c.reason} for name, c in engines.items()}
        for backend, engines in bundle.selection.items()
    }


def report_data(report: BenchReport) -> dict[str, Any]:
    """As JSON has it."""
    return _rounded(asdict(report))


def write_text(path: Path, text: str) -> None:
    """Write beside, then put in place.

    Raises:
        EgoactError: the file cannot be written.
    """
    try:
        write_whole_file(path, text)
    except OSError as error:
        raise EgoactError(f"{path}: cannot be written ({error.strerror}); name another file") from error


def read_report(path: Path) -> dict[str, Any]:
    """The data of an earlier report, as `report_data` gives it.

    Raises:
        UsageError: no such file, or not a report of this format.
    """
    try:
        data = dict(read_json(path))
        if data["format"] != FORMAT:
            raise UsageError(f"{path}: format {data['format']}, this egoact reads {FORMAT}; measure it again")
        for name in ("engines", "pipeline", "machine"):
            data[name]
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); write one with `egoact bench --json FILE`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not a report of `egoact bench --json FILE`") from error
    return data


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
