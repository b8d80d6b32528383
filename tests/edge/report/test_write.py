from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge.annotations.label_map import Mapped
from edge.errors import EgoactError
from edge.report.moments import thumbnail, worst_moments
from edge.report.write import write_report
from edge.verify.judge import judge
from tests.edge.report.plays import BUNDLE, played
from tests.edge.snapshots import run_result, seconds
from tests.edge.verify.made_runs import made_evidence, made_run
from tests.media import make_clip


def texts(folder: Path) -> tuple[str, str]:
    return (folder / "report.md").read_text("utf-8"), (folder / "report.html").read_text("utf-8")


def table_row(text: str, first_cell: str) -> list[str]:
    """Cells of the first table row that starts with `first_cell`."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first_cell} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


class Page(HTMLParser):
    """Opened and closed elements, what they refer to, and the words."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_report_of_two_clips(tmp_path: Path) -> None:
    runs = [played(), played(run_result(30.0, audio=False, clip="shed.mp4"))]
    path = write_report(tmp_path / "new" / "report", {"f32": runs}, BUNDLE)
    assert path.name == "report.html"
    text, page = texts(path.parent)
    assert table_row(text, "kitchen.mp4")[1:6] == ["89.5 %", "66.3 %", "51.2 %", "86", "89.0 %"]
    assert table_row(text, "shed.mp4")[3] == "n/a"
    scores = [run.score for run in runs if run.score is not None]
    pooled = sum(s.modes[0].action_correct for s in scores) / sum(s.modes[0].action_rows for s in scores)
    assert table_row(text, "total")[1] == f"{100 * pooled:.1f} %"
    assert table_row(text, "actions right, all")[1] == f"{100 * pooled:.1f} %"
    for name in ("timeline-01-kitchen.svg", "timeline-02-shed.svg"):
        assert f"]({name})" in text
        assert (path.parent / name).read_text(encoding="utf-8").count("annotated") == 1
    for part in (text, page):
        assert "no audio track: labels come from the picture alone" in part
    data = json.loads((path.parent / "report.json").read_text(), parse_constant=pytest.fail)
    assert data["total"]["runs"] == 2
    assert [clip["frames"] for clip in data["clips"]] == [
        {"captured": 1800, "used": 1800, "dropped": 0},
        {"captured": 900, "used": 900, "dropped": 0},
    ]
    figures = data["precisions"]["f32"]["figures"]
    assert figures["modes"]["all"]["action_accuracy"] == pytest.approx(pooled, abs=1e-4)
    assert figures["streaming_segments"]["seconds_right"] <= figures["segments"]["seconds_right"]


def test_the_page_is_one_file_without_scripts_or_network(tmp_path: Path) -> None:
    write_report(tmp_path, {"f32": [played()], "int8": [played()]}, BUNDLE)
    page = Page(texts(tmp_path)[1])
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "form"})
    assert page.links
    assert all(link.startswith("data:image/") for link in page.links)


def test_precisions_stand_side_by_side(tmp_path: Path) -> None:
    f32 = [played(), played(run_result(30.0, clip="shed.mp4"))]
    int8 = [played(run_result(60.0, audio=False)), f32[1]]
    write_report(tmp_path, {"f32": f32, "int8": int8}, BUNDLE)
    text, page = texts(tmp_path)
    row = table_row(text, "actions right, audio")
    judged = [judge([run.evidence for run in runs if run.evidence]) for runs in (f32, int8)]
    assert row[1:] == [f"{100 * f.modes['audio'].action_accuracy:.1f} %" for f in judged if f.modes["audio"].rows]
    assert "Confusion, f32" in page
    assert "Confusion, int8" in page
    assert len(list(tmp_path.glob("*.svg"))) == 4


def test_the_confusion_table_holds_only_labels_that_occur(tmp_path: Path) -> None:
    write_report(tmp_path, {"f32": [played(run_result(20.0))]}, BUNDLE)
    confusion = texts(tmp_path)[0].split("## Confusion")[1].split("\n## ")[0]
    rows = {line.split("|")[1].strip() for line in confusion.splitlines() if line.startswith("|")}
    assert {"cut", "pour", "drill", "idle"} <= rows
    assert "turn-on" not in rows


def test_a_run_without_annotation(tmp_path: Path) -> None:
    write_report(tmp_path, {"f32": [played(annotated=False)]}, BUNDLE)
    text, page = texts(tmp_path)
    for part in (text, page):
        assert "Confusion" not in part
        assert "By chance" not in part
        assert "Worst" not in part
    assert table_row(text, "kitchen.mp4")[1:7] == ["1:00.0", "replayed at real pace", "109", "1800", "1800", "0"]
    assert json.loads((tmp_path / "report.json").read_text())["total"] is None


def test_annotated_and_bare_clips_together(tmp_path: Path) -> None:
    write_report(tmp_path, {"f32": [played(), played(run_result(clip="bare.mp4"), annotated=False)]}, BUNDLE)
    text = texts(tmp_path)[0]
    assert set(table_row(text, "bare.mp4")[1:]) == {"-"}
    assert table_row(text, "total")[1] == "89.5 %"


def test_names_and_notes_cannot_break_the_pages(tmp_path: Path) -> None:
    result = replace(
        run_result(clip="../a|b <img>.mp4"),
        title="x\n# y",
        notes=("`code` <script>", "esc \x1b[0m"),
        segments=(seconds(0, 2, "*bold* | [link](x)"),),
    )
    words = Mapped({}, "CSV", unmapped={"<script>alert(1)</script>": 3})
    write_report(tmp_path, {"f32": [played(result, annotated=False)]}, BUNDLE, words)
    text, page = texts(tmp_path)
    assert "\n# y" not in text
    assert "\x1b" not in text + page
    assert "<script" not in text.replace("\\<", "")
    assert r"\*bold\* \| \[link\](x)" in text
    assert r"../a\|b \<img\>.mp4" in text
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert "<script>alert(1)</script>" in "".join(parsed.words)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "report.html", "report.json", "report.md", "timeline-01-a-b-img.svg",
    ]  # fmt: skip


def test_two_clips_of_one_name_have_two_pictures(tmp_path: Path) -> None:
    write_report(tmp_path, {"f32": [played(annotated=False), played(annotated=False)]}, BUNDLE)
    assert len(list(tmp_path.glob("*.svg"))) == 2


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EgoactError, match="the report cannot be written") as raised:
        write_report(tmp_path / "file", {"f32": [played(run_result(5.0))]}, BUNDLE)
    assert "\n" not in str(raised.value)


def test_the_worst_moments_are_the_longest_and_surest() -> None:
    truth = ["cut"] * 8 + ["idle"] * 4
    said = ["cut", "mix", "mix", "cut", "pour", "cut", "cut", "cut", "idle", "idle", "mix", "idle"]
    levels = [0.9, 0.6, 0.6, 0.9, 0.95, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.9]
    evidence = made_evidence(said, truth, confidence=levels)
    run = played(annotated=False)._replace(result=evidence.result, evidence=evidence)
    found = worst_moments([run])
    assert [(m.truth, m.said, m.start_ns // 500_000_000, m.end_ns // 500_000_000) for m in found] == [
        ("cut", "mix", 1, 3), ("cut", "pour", 4, 5), ("idle", "mix", 10, 11),
    ]  # fmt: skip
    assert worst_moments([run], most=1) == found[:1]


def test_saying_nothing_of_a_foreign_action_is_no_bad_moment() -> None:
    evidence = made_evidence(["idle", "cut"], ["wave", "wave"])
    found = worst_moments([played(annotated=False)._replace(result=evidence.result, evidence=evidence)])
    assert [(m.truth, m.said) for m in found] == [("an action without a label", "cut")]
    assert made_run(["cut"]).duration_s > 0


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_thumbnail_is_the_frame_at_that_time_upright(tmp_path: Path, rotation: int) -> None:
    import base64

    import cv2
    import numpy as np

    from tests.media import read_number

    clip = make_clip(tmp_path / "a.mp4", seconds=4.0, size=(192, 192), rotation=rotation)  # type: ignore[arg-type]
    uri = thumbnail(clip, 2_500_000_000)
    assert uri is not None
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    picture = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert read_number(picture) == 75
    assert thumbnail(clip, 60_000_000_000) is not None


def test_a_clip_that_is_gone_has_no_thumbnail(tmp_path: Path) -> None:
    assert thumbnail(tmp_path / "gone.mp4", 0) is None
    (tmp_path / "words.mp4").write_bytes(b"words" * 100)
    assert thumbnail(tmp_path / "words.mp4", 0) is None
    write_report(tmp_path / "report", {"f32": [played()]}, BUNDLE)
    assert re.search("said <b>", texts(tmp_path / "report")[1])
