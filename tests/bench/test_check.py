"""The regression guard on fabricated measurements."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from bench.check import BASELINE, ROW, Finding, compare, engine_ratios, lines_of, main, read_baseline, row_ratio
from edge.bench.engine_bench import EngineBench
from edge.bench.ratio import Ratio
from edge.contract import Prediction
from edge.errors import UsageError
from tests.edge.bench.made import four_engines

QUIET = Ratio(0.60, 0.59, 0.61)


def finding(now: Ratio, then: Ratio = QUIET) -> Finding:
    return Finding("video", then, now)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(0.60, "same"), (0.65, "same"), (0.67, "slower"), (1.2, "slower"), (0.55, "same"), (0.50, "faster")],
)
def test_a_tenth_is_allowed(now: float, verdict: str) -> None:
    assert finding(Ratio(now, now, now)).verdict == verdict


def test_noise_of_then_and_now_is_allowed() -> None:
    assert finding(Ratio(0.75, 0.55, 0.95)).verdict == "same"
    assert finding(Ratio(0.75, 0.74, 0.76), then=Ratio(0.60, 0.45, 0.75)).verdict == "same"
    assert finding(Ratio(0.75, 0.74, 0.76)).verdict == "slower"


def test_a_busy_machine_leaves_the_ratios_alone() -> None:
    """Everything three times as slow, in rounds that were busy for all: nothing got slower."""

    def measured(busy: list[float], slower: float) -> list[EngineBench]:
        def scaled(benches: tuple[EngineBench, ...], by: float) -> list[EngineBench]:
            return [_with_rounds(b, [by * k * b.total.median for k in busy]) for b in benches]

        return [*scaled(four_engines(), slower), *scaled(four_engines(backend="onnxruntime"), 1.5)]

    then = engine_ratios(measured([1.0, 1.0, 1.1, 1.0, 1.0], 1.0))
    busy = engine_ratios(measured([3.0, 1.0, 9.0, 2.0, 3.0], 1.0))
    slower = engine_ratios(measured([3.0, 1.0, 9.0, 2.0, 3.0], 1.3))
    baseline = {"ratios": {name: asdict(ratio) for name, ratio in then.items()}}
    assert {f.verdict for f in compare(baseline, busy)} == {"same"}
    assert {f.verdict for f in compare(baseline, slower)} == {"slower"}


def _with_rounds(bench: EngineBench, rounds_ms: list[float]) -> EngineBench:
    return EngineBench(**{**vars(bench), "round_medians_ms": tuple(rounds_ms)})


def test_a_row_is_compared_with_its_engines() -> None:
    stages = {"wait": 30.0, "window": 1.0, "video": 40.0, "fbank": 1.0, "audio": 8.0, "head": 1.0, "decide": 0.1}
    said = [
        Prediction(n, 0, 1, 0, np.ones((3, 2), np.float32), "a", 1.0, False, 1.0, 1.0, 85_000_000, stages)
        for n in range(9)
    ]
    deaf = [Prediction(**{**vars(p), "stage_ms": {"wait": 0.0, "video": 40.0}}) for p in said]
    assert row_ratio([*said, *deaf]).ratio == pytest.approx((85 - 30) / 50)


def test_what_got_slower_is_said() -> None:
    lines = lines_of([finding(Ratio(0.9, 0.89, 0.91)), Finding(ROW, QUIET, QUIET)], ["video bf16"], True)
    assert lines[-1] == "slower: video"
    assert "not measured here: video bf16" in lines
    assert lines_of([finding(QUIET)], [], True)[-1] == "slower: nothing"


@pytest.mark.parametrize(("processor", "code"), [("mine", 1), ("another", 0)])
def test_only_the_same_processor_can_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], processor: str, code: int
) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps({"format": 1, "processor": "mine", "ratios": {"video": asdict(QUIET)}}))
    facts = type("Facts", (), {"processor": processor})
    monkeypatch.setattr("bench.check.machine_facts", lambda: facts)
    monkeypatch.setattr("bench.check.measure", lambda bundle, **options: {"video": Ratio(0.9, 0.89, 0.91)})
    monkeypatch.setattr("sys.argv", ["check", "--baseline", str(file)])
    assert main() == code
    assert "slower: video" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["check", "--baseline", str(file), "--update"])
    assert main() == 0
    assert read_baseline(file)["ratios"] == {"video": asdict(Ratio(0.9, 0.89, 0.91))}


@pytest.mark.parametrize("content", [None, "", "[]", '{"format": 2}', '{"format": 1, "processor": "x", "ratios": {}}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match="--update"):
        read_baseline(file)


def test_the_stored_baseline_can_be_read_and_compared() -> None:
    baseline = read_baseline(BASELINE)
    now = {name: Ratio(**ratio) for name, ratio in baseline["ratios"].items()}
    assert {f.verdict for f in compare(baseline, now)} == {"same"}
    assert ROW in now
    with pytest.raises(UsageError, match="nothing that is measured now"):
        compare(baseline, {"other": QUIET})
