from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import EgoactError
from edge.report import write_report
from edge.score import score_run
from tests.edge.snapshots import run_result, seconds, truth_segments


def table_row(text: str, first_cell: str) -> list[str]:
    """Cells of the first table row that starts with `first_cell`."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first_cell} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_report_of_two_clips(tmp_path: Path) -> None:
    results = [run_result(60.0), run_result(30.0, audio=False, clip="shed.mp4")]
    truths = [truth_segments(60.0), truth_segments(30.0)]
    scores = [score_run(result, truth) for result, truth in zip(results, truths, strict=True)]
    path = write_report(tmp_path / "new" / "report", results, scores, "demo, 17 labels", truths)
    text = path.read_text(encoding="utf-8")
    assert path.name == "report.md"
    assert table_row(text, "kitchen.mp4")[1:6] == ["89.5 %", "66.3 %", "51.2 %", "86", "89.0 %"]
    assert table_row(text, "shed.mp4")[3] == "n/a"
    pooled = sum(s.modes[0].action_correct for s in scores) / sum(s.modes[0].action_rows for s in scores)
    assert table_row(text, "**total**")[1] == f"{100 * pooled:.1f} %"
    for name in ("timeline-01-kitchen.svg", "timeline-02-shed.svg"):
        assert f"]({name})" in text
        assert (path.parent / name).read_text(encoding="utf-8").count("annotated") == 1
    assert "no audio track: labels come from the picture alone" in text
    data = json.loads((path.parent / "report.json").read_text(), parse_constant=pytest.fail)
    assert data["total"]["runs"] == 2
    assert [clip["frames"] for clip in data["clips"]] == [
        {"captured": 1800, "used": 1800, "dropped": 0},
        {"captured": 900, "used": 900, "dropped": 0},
    ]


def test_the_confusion_table_holds_only_labels_that_occur(tmp_path: Path) -> None:
    result = run_result(20.0)
    text = write_report(tmp_path, [result], [score_run(result, truth_segments(20.0))], "demo").read_text(
        encoding="utf-8"
    )
    confusion = text.split("## Confusion")[1].split("\n## ")[0]
    rows = {line.split("|")[1].strip() for line in confusion.splitlines() if line.startswith("|")}
    assert {"cut", "pour", "drill", "idle"} <= rows
    assert "turn-on" not in rows


def test_a_run_without_annotation(tmp_path: Path) -> None:
    path = write_report(tmp_path, [run_result()], [None], "demo")
    text = path.read_text(encoding="utf-8")
    assert "Confusion" not in text
    assert "By chance" not in text
    assert table_row(text, "kitchen.mp4")[1:7] == ["1:00.0", "replayed at real pace", "109", "1800", "1800", "0"]
    assert json.loads((tmp_path / "report.json").read_text())["total"] is None


def test_annotated_and_bare_clips_together(tmp_path: Path) -> None:
    results = [run_result(), run_result(clip="bare.mp4")]
    text = write_report(tmp_path, results, [score_run(results[0], truth_segments()), None], "demo").read_text()
    assert set(table_row(text, "bare.mp4")[1:]) == {"-"}
    assert table_row(text, "**total**")[1] == "89.5 %"


def test_names_and_notes_cannot_break_the_page(tmp_path: Path) -> None:
    result = replace(
        run_result(clip="../a|b <img>.mp4"),
        title="x\n# y",
        notes=("`code` <script>", "esc \x1b[0m"),
        segments=(seconds(0, 2, "*bold* | [link](x)"),),
    )
    text = write_report(tmp_path, [result], [None], "demo|x").read_text(encoding="utf-8")
    assert "\n# y" not in text
    assert "\x1b" not in text
    assert "<script>" not in text.replace("\\<", "")
    assert r"\*bold\* \| \[link\](x)" in text
    assert r"../a\|b \<img\>.mp4" in text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.json", "report.md", "timeline-01-a-b-img.svg"]


def test_two_clips_of_one_name_have_two_pictures(tmp_path: Path) -> None:
    write_report(tmp_path, [run_result(), run_result()], [None, None], "demo")
    assert len(list(tmp_path.glob("*.svg"))) == 2


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EgoactError, match="the report cannot be written") as raised:
        write_report(tmp_path / "file", [run_result(5.0)], [None], "demo")
    assert "\n" not in str(raised.value)


def test_lists_of_different_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one entry a clip"):
        write_report(tmp_path, [run_result(5.0)], [], "demo")
