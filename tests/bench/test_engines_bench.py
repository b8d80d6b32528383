from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import engines
from bench.engine_graphs import SIZES, Networks
from bench.engine_worker import ENGINES, Row
from bench.engines import BACKENDS, _result, main, markdown


def rows(milliseconds: float, peak_mb: float) -> list[Row]:
    times = (1.0, 2.0, 9.0)
    return [
        Row(
            dict.fromkeys(ENGINES, 0.001 * t * milliseconds),
            dict.fromkeys(ENGINES, 0.002 * t * milliseconds),
            peak_mb + t,
        )
        for t in times
    ]


def test_medians_minima_and_ratios() -> None:
    results = [_result("r50", "torch f32", rows(10, 500), 3), _result("r50", "openvino int8", rows(2, 100), 1)]
    assert results[0].median_ms == {**dict.fromkeys(ENGINES, 20.0), "row": 80.0}
    assert results[1].minimum_ms == {**dict.fromkeys(ENGINES, 2.0), "row": 8.0}
    assert results[1].peak_mb == 109
    table = markdown(results, 2).splitlines()
    assert (
        "| openvino int8 | 4.0 (2.0) | 4.0 (2.0) | 4.0 (2.0) | 4.0 (2.0) | 16.0 (8.0) | 5.00 | 32.0 | 5.00 | 109 |"
        in table
    )
    assert "3 turns, 1 or more of them quiet" in table


def test_names_agree() -> None:
    assert tuple(SIZES) == engines.SIZES
    assert Networks._fields == ENGINES


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_back_ends_run_a_small_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--size", "small", "--threads", "1", "--turns", "2", "--json", str(tmp_path / "out.json")]
    monkeypatch.setattr(sys, "argv", ["bench.engines", *arguments, "--work", str(tmp_path)])
    main()
    found = {result["backend"]: result for result in json.loads((tmp_path / "out.json").read_text())}
    assert found.keys() <= set(BACKENDS)
    assert {"torch f32", "onnxruntime f32", "openvino f32"} <= found.keys()
    assert all(result["median_ms"]["row"] > 0 for result in found.values())
    assert found["openvino f32"]["peak_mb"] < found["torch f32"]["peak_mb"], "no PyTorch in the other processes"
    assert "| torch f32 |" in capsys.readouterr().out
