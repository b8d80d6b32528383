"""The JSON is read by others: its names and kinds are fixed here; the text must fit a terminal, the picture be SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from edge.bench.picture import picture
from edge.bench.report import BenchReport, report_data
from edge.bench.table import Table
from edge.bench.text import WIDTH, markdown, text_lines
from edge.contract import WindowSpec
from tests.edge.bench.made import MACHINE, four_engines, pipeline_bench, report

DISTRIBUTION = {"runs": int, **dict.fromkeys(("min", "mean", "median", "p90", "p95", "p99", "max"), float)}
AGES = {
    "age": DISTRIBUTION,
    "stages": dict.fromkeys(("wait", "window", "video", "fbank", "audio", "head", "decide"), DISTRIBUTION),
    "explained": float,
    "explained_min": float,
    "stretch_medians_ms": [float],
}
RATE = {
    "rows_hz": float,
    "labels_hz": float,
    "hop_ms": float,
    "rows": int,
    "skipped_rows": int,
    "ages": AGES,
    "captured_frames": int,
    "used_frames": int,
    "dropped_frames": int,
    "memory_growth_mb": float,
}
GOLDEN = {
    "format": int,
    "kind": str,
    "bundle": str,
    "machine": {
        "processor": str,
        "cores": int,
        "fast_precisions": [str],
        "memory_gb": float,
        "kernel": str,
        "python": str,
        "board": None,
        "jetpack": None,
        "power_mode": None,
        "clocks_pinned": None,
        "governor": None,
        "clock_mhz": float,
        "load_1min": float,
        "gpu": None,
        "packages": {"egoact": str},
    },
    "selection": {"cpu": {"video": {"precision": str, "reason": str}}},
    "engines": [
        {
            "engine": str,
            "backend": str,
            "precision": str,
            "threads": int,
            "total": DISTRIBUTION,
            "compute": DISTRIBUTION,
            "enqueue": None,
            "h2d": None,
            "d2h": None,
            "throughput_hz": float,
            "round_medians_ms": [float],
            "warm_up_runs": int,
            "stable": bool,
            "cold": {
                "import_s": float,
                "load_s": float,
                "first_ms": float,
                "memory_mb": float,
                "peak_mb": float,
                "device_memory_mb": None,
            },
            "size_bytes": int,
            "build_s": None,
            "milliwatts": None,
            "mj_per_inference": None,
            "warnings": [str],
        }
    ],
    "pipeline": [
        {
            "clip": str,
            "precision": str,
            "threads": int,
            "injected_ms": {},
            "labels": int,
            "hop_ms": float,
            "ages": AGES,
            "captured_frames": int,
            "used_frames": int,
            "dropped_frames": int,
            "memory_mb": float,
            "highest": RATE,
            "overload": RATE,
        }
    ],
    "foreign_load": float,
    "idle_milliwatts": None,
    "notes": [str],
}
SELECTION = {"cpu": {"video": {"precision": "int8", "reason": "int8: 3.0x as fast as f32, and so on " * 20}}}


def everything(**changes: object) -> BenchReport:
    engines = tuple(replace(bench, warnings=("not settled",)) for bench in four_engines())
    made = report(engines=engines, pipeline=(pipeline_bench(),), selection=SELECTION, notes=("one",))
    return replace(made, **changes)  # type: ignore[arg-type]


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None if value is None else type(value)


def test_the_json_has_the_fixed_names_and_kinds() -> None:
    assert shape(report_data(everything())) == GOLDEN


def test_figures_are_rounded_to_what_was_measured() -> None:
    data = report_data(report(foreign_load=0.123456789))
    assert data["foreign_load"] == 0.12346


@pytest.mark.parametrize("kind", ["engines", "sweep", "pipeline"])
def test_every_line_fits_the_terminal(kind: str) -> None:
    engines = (*four_engines(threads=2), *four_engines("int8", 0.4, threads=2))
    lines = text_lines(everything(kind=kind, engines=engines), WindowSpec())
    assert max(map(len, lines)) <= WIDTH
    assert any("int8: 3.0x as fast" in line for line in lines), "the reasons of the choice are told"


def test_the_sweep_has_its_ratios_against_the_same_threads() -> None:
    engines = (*four_engines(threads=2), *four_engines("int8", 0.5, threads=2), *four_engines("f32", 2.0, threads=1))
    lines = "\n".join(text_lines(everything(kind="sweep", engines=engines), WindowSpec()))
    (int8,) = [line for line in lines.splitlines() if line.startswith("video") and " int8 " in line]
    assert int8.endswith("2.00 [2.00, 2.00]")


def test_a_row_says_how_short_the_hop_may_be() -> None:
    lines = text_lines(report(), WindowSpec())
    (row,) = [line for line in lines if line.startswith("cpu ") and line.endswith("frames")]
    # 40 + 1 + 8 + 0.1 ms are 9 % of 533 ms; at nine tenths of its length a hop of two frames has 60 ms.
    assert row.split() == ["cpu", "f32", "1", "49.1", "20.4", "9", "%", "2", "frames"]


def test_the_stages_and_the_overload_are_told() -> None:
    text = "\n".join(text_lines(report(kind="pipeline", engines=(), pipeline=(pipeline_bench(),)), WindowSpec()))
    assert "99.0 % of it by the stages" in text
    assert "20.0 rows a second hold" in text
    assert "3200 captured = 3000 used + 200 dropped" in text
    assert "20.0 rows a second asked, 10.0 made (2.0 x)" in text


def test_no_rate_that_holds_is_said() -> None:
    made = replace(pipeline_bench(), highest=None)
    text = "\n".join(text_lines(report(engines=(), pipeline=(made,)), WindowSpec()))
    assert "no rate that was tried holds" in text


def test_markdown_cannot_be_broken_by_a_name() -> None:
    table = Table(("<clip", "ms"))
    table.add("a|b<script>\n", "1")
    assert table.markdown() == ["| clip | ms |", "|---|---:|", "| a\\|b&lt;script>\\\\x0a | 1 |"]


def test_markdown_has_every_table() -> None:
    text = markdown(everything(), WindowSpec())
    assert text.count("|---|") == 4
    assert text.count("```") == 6


def test_the_picture_is_well_formed_whatever_the_names_are() -> None:
    made = everything(bundle="a & <b> \x1b[31m", machine=replace(MACHINE, processor="<&>"))
    root = ET.fromstring(picture(made))
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("cpu f32, 1 thread" in text for text in texts)
    assert any("wait 2.00" in text for text in texts)
