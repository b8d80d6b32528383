"""Names that move cursors, open markup or start formulas: shown letter by letter in every view and every file."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge.annotations.action import fault
from edge.annotations.csv_table import as_written, no_formula
from edge.annotations.own_csv import read_annotations
from edge.cli import main
from edge.contract import RunResult
from edge.exports.elan import elan
from edge.exports.segments_csv import segments_csv
from edge.exports.webvtt import webvtt
from edge.plain import PlainView
from edge.report.data import report_data
from edge.report.markdown import report_markdown
from edge.report.page_html import report_html
from edge.report.pages import pages
from edge.timeline import timeline_svg
from edge.tui.app import EgoactApp
from tests.edge.report.plays import BUNDLE, played
from tests.edge.snapshots import LABELS, run_result, snapshot

NASTY = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "a\nb\rc\x0bd\x85e\u2028f",
    "\u202etxt.exe\u2066x\u200f",
    "</script><script>alert(1)</script>",
    "\" onload='alert(1)' x=`",
    "<img src=x onerror=alert(1)>&lt;&#60;]]>-->",
    "=cmd|' /C calc'!A0",
    "\x00\ufeff\ufffe\ufdd0",
    "| a | [x](javascript:alert(1)) `x` $y$",
    "[bold red]markup[/] [@click=app.quit]x[/]",
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def nasty_run(name: str) -> RunResult:
    """A run in which `name` is the clip, a label, the title and a note."""
    result = run_result(20.0)
    labels = (name, *LABELS[1:])
    rename = {LABELS[0]: name}
    return replace(
        result,
        clip=f"{name}.mp4",
        title=name,
        labels=labels,
        notes=(name,),
        segments=tuple(replace(s, label=rename.get(s.label, s.label)) for s in result.segments),
        predictions=tuple(replace(p, label=rename.get(p.label, p.label)) for p in result.predictions),
    )


class Tags(HTMLParser):
    """Every tag and attribute of a page, as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"@{name}" for name, _ in attributes)}


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_the_report(name: str) -> None:
    run = played(nasty_run(name))
    bundle = replace(BUNDLE, labels=(name, *LABELS[1:]), provenance={"name": name})
    content = pages({"f32": [run]}, bundle, None)
    page = report_html(content)
    tags = Tags()
    tags.feed(page)
    assert not CONTROLS.search(page)
    assert not tags.seen & {"script", "iframe", "object", "embed", "a", "link", "form"}
    assert not [seen for seen in tags.seen if seen.startswith("@on")]
    assert not {"@onload", "@onerror", "@srcset"} & tags.seen
    assert "default-src 'none'" in page
    text = report_markdown(content, ["timeline-01.svg"])
    assert not CONTROLS.search(text)
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", text), "no HTML but ours"
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    json.loads(json.dumps(report_data({"f32": [run]}, bundle, None), allow_nan=False))


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_pictures_and_exports_are_well_formed(name: str, tmp_path: Path) -> None:
    result, run = nasty_run(name), played(nasty_run(name))
    svg = timeline_svg(result, run.truth.segments if run.truth else ())
    root = ElementTree.fromstring(svg)
    assert not [e.tag for e in root.iter() if e.tag.rpartition("}")[2] in ("script", "foreignObject", "image")]
    assert not [key for e in root.iter() for key in e.attrib if key.lower().startswith("on") or "href" in key]
    assert not CONTROLS.search(svg)

    subtitles = webvtt(result)
    assert not CONTROLS.search(subtitles)
    cues = subtitles.split("\n\n")[1:]
    assert all(len(cue.strip().split("\n")) == 3 for cue in cues if cue.strip())
    assert all(cue.count("-->") <= 1 and "<" not in cue for cue in cues)

    document = elan(result, (), tmp_path / "a b.mp4", tmp_path, written=datetime.now(timezone.utc))
    assert not CONTROLS.search(document)
    assert ElementTree.fromstring(document).tag == "ANNOTATION_DOCUMENT"


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_segments_csv_holds_no_formula_and_is_read_back(name: str, tmp_path: Path) -> None:
    text = segments_csv([nasty_run(name)])
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(len(row) == 5 for row in rows)
    assert not [cell for row in rows for cell in (row[0], row[3]) if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    for cell in (name, "=1+1", "'=1", "''", "-x", "plain", "it's"):
        assert as_written(no_formula(cell)) == cell
    if "/" not in name and "\\" not in name and "\0" not in name:
        file = tmp_path / "segments.csv"
        file.write_text(text, encoding="utf-8", newline="")
        assert set(read_annotations(file)) == {f"{name}.mp4".strip()}


@pytest.mark.parametrize("name", [NASTY[0], NASTY[1] + NASTY[2], NASTY[9]], ids=range(3))
async def test_the_terminal_view(name: str) -> None:
    shown = replace(
        snapshot(20.0),
        title=name,
        labels=(name, *LABELS[1:]),
        events=(name, f"camera {name}: lost"),
        closed_segments=tuple(replace(s, label=name) for s in snapshot(20.0).closed_segments),
        problem=name,
    )
    assert shown.prediction is not None
    shown = replace(shown, prediction=replace(shown.prediction, label=name))
    app = EgoactApp(lambda: shown, lambda: None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        cells = "".join(segment.text for line in app.screen._compositor.render_strips() for segment in line)
    assert not CONTROLS.search(cells)
    assert not {unicodedata.category(letter) for letter in cells} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_plain_lines(name: str) -> None:
    stream, result = io.StringIO(), nasty_run(name)
    view = PlainView(stream, colour=False)
    view.title(name)
    view.segment(replace(result.segments[0], label=name), result.labels)
    view.summary(result)
    assert not CONTROLS.search(stream.getvalue())
    plain = io.StringIO()
    PlainView(plain, colour=False).summary(replace(result, title="x", notes=("x",)))
    assert stream.getvalue().count("\n") == 2 + plain.getvalue().count("\n")


def test_errors_of_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = "a\x1b[2Jb\nc\u202ed"
    folder = tmp_path / "x"
    folder.mkdir()
    for arguments in (
        ["replay", str(tmp_path / f"{name}.mp4")],
        ["replay", "a.mp4", "--bundle", str(folder / name)],
        ["replay", "a.mp4", f"--{name}"],
        [name],
    ):
        try:
            code = main(arguments)
        except SystemExit as stopped:  # argparse
            code = int(stopped.code or 0)
        err = capsys.readouterr().err
        assert code in (1, 2)
        assert not CONTROLS.search(err), repr(err)
        assert len([line for line in err.splitlines() if not line.startswith(("usage:", " "))]) == 1, repr(err)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_complaints_about_annotations(name: str) -> None:
    text = str(fault(Path(f"/x/{name}"), name, name))
    assert not CONTROLS.search(text)
    assert "\n" not in text
