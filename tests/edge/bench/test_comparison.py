from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.bench.comparison import compare_reports, comparison_notes
from edge.bench.report import BenchReport, read_report, report_data
from edge.errors import UsageError
from tests.edge.bench.made import MACHINE, four_engines, pipeline_bench, report


def verdicts(old: BenchReport, new: BenchReport) -> dict[str, str]:
    return {change.name: change.verdict for change in compare_reports(report_data(old), report_data(new))}


def test_the_same_is_the_same() -> None:
    assert set(verdicts(report(), report()).values()) == {"same"}


def test_what_got_slower_is_named() -> None:
    slower = tuple(
        replace(bench, round_medians_ms=tuple(1.3 * ms for ms in bench.round_medians_ms))
        if bench.engine == "audio"
        else bench
        for bench in four_engines()
    )
    found = verdicts(report(), report(engines=slower))
    assert found["audio cpu f32 1 threads"] == "slower"
    assert found["video cpu f32 1 threads"] == "same"
    assert verdicts(report(engines=slower), report())["audio cpu f32 1 threads"] == "faster"


def test_a_difference_within_the_spread_is_none() -> None:
    noisy = tuple(replace(bench, round_medians_ms=(1.0, 5.0, 2.0)) for bench in four_engines())
    shifted = tuple(replace(bench, round_medians_ms=(1.4, 2.6, 5.5)) for bench in four_engines())
    assert set(verdicts(report(engines=noisy), report(engines=shifted)).values()) == {"same"}


def test_label_ages_are_compared() -> None:
    old, new = (report(kind="pipeline", engines=(), pipeline=(pipeline_bench(scale),)) for scale in (1.0, 2.0))
    (change,) = compare_reports(report_data(old), report_data(new))
    assert change.verdict == "slower"
    assert change.ratio.ratio == pytest.approx(0.5)


def test_reports_of_different_things_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="nothing alike"):
        compare_reports(report_data(report()), report_data(report(engines=four_engines(threads=2))))


def test_another_machine_and_a_busy_one_are_told() -> None:
    old = report_data(report(machine=replace(MACHINE, processor="Other", cores=8)))
    notes = comparison_notes(old, report_data(report(foreign_load=0.5)), Path("old.json"))
    assert "processor, cores differ" in notes[0]
    assert "this run: other programs took 50 %" in notes[1]


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(json.dumps(report_data(report())))
    assert read_report(file) == report_data(report())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 99, "engines": []}'])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "old.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=r"old\.json"):
        read_report(file)


def test_a_missing_report_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="egoact bench --json FILE"):
        read_report(tmp_path / "none.json")
