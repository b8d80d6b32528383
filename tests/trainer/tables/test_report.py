from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.errors import EgoactError
from tests.trainer.tables.made_up import scores
from trainer.tables.layout import layout
from trainer.tables.markdown import interval_text, number_text, p_text
from trainer.tables.panels import Grid, needed_runs
from trainer.tables.plot import axis
from trainer.tables.report import Report, report, write_files
from trainer.tables.runs import Run
from trainer.tables.settings import SMALL
from trainer.tables.source import Kind
from trainer.tables.split_clips import SplitClips
from trainer.tables.statistics import Estimate

GOLDEN = Path(__file__).parent / "golden_table_2.md"
GRID = Grid(("Me SAU", "Co JPN", "Ar ITA"), (0, 1))
METHODS = ("erm", "cir", "narration_aligned")


@dataclass(frozen=True)
class NoClips:
    """A source that is only described."""

    kind: Kind = "argo1m"
    description: str = "Made-up scores."
    splits: tuple[str, ...] = GRID.splits

    def load(self, split: str) -> SplitClips:
        raise AssertionError("reports need no clips")


def small_report(number: int, kind: Kind = "argo1m", grid: Grid = GRID) -> Report:
    def accuracy(run: Run, part: str) -> float:
        gain = {"cir": 2.0, "narration_aligned": 3.0 + run.seed}.get(run.method, 0)
        lost = {"ap": 20, "mo": 6}.get(run.modalities, 9) if run.fold is None else 0
        return 40 + 3 * len(run.split.split()[0]) * run.split.count("A") + run.seed + gain - lost

    table = layout(number)
    return report(table, grid, scores(needed_runs(table, grid), accuracy), NoClips(kind), SMALL.note())


def test_markdown_is_the_golden_page() -> None:
    """Look at the page and write it anew when its form is meant to change."""
    assert small_report(2).markdown == GOLDEN.read_text(encoding="utf-8")


def test_table_1_has_both_drops_and_names_the_papers_odd_cells() -> None:
    markdown = small_report(1).markdown
    assert markdown.count("% of the accuracy outside\n") == markdown.count("% of the accuracy within\n") == 2
    assert "21.6 % for audio on Sh IND (17.7 %) and 38.2 % for appearance on Cl US-MN (36.6 %)" in markdown
    assert "audio 32.7 (31.9; 21.3 of the accuracy within)" in markdown
    assert "appearance + motion + audio 42.8 (43.7; 27.2 of the accuracy within)" in markdown
    assert "drops the last incomplete batch" in markdown
    assert "Is appearance's drop larger" in markdown


def test_tables_3_and_4_name_the_papers_odd_mean() -> None:
    for number in (3, 4):
        assert "prints a mean of 32.7 for" in small_report(number).markdown
    assert "32.76" in small_report(3).markdown


def test_other_data_get_the_papers_means_only() -> None:
    grid = Grid(("Co-Tok", "Sp-Bri"), (0,))
    markdown = small_report(2, "world", grid).markdown
    assert "(34.7)" not in markdown
    assert "| 33.1 |" in markdown
    assert "Only the order of rows and the sign of differences can be compared" in markdown
    assert "s.d." not in markdown


def test_one_split_says_that_it_says_nothing_of_others() -> None:
    markdown = small_report(2, grid=Grid(("Me SAU",), (0, 1))).markdown
    assert "One split: no interval" in markdown
    assert "[" not in markdown.split("## Notes")[0].replace("[95 %]", "").replace("![Table 2]", "")


def test_csv_holds_the_same_numbers() -> None:
    made = small_report(2)
    lines = list(csv.DictReader(io.StringIO(made.files["table-2.csv"])))
    assert [line["split"] for line in lines] == [*GRID.splits, "mean"] * 3
    row = made.json["panels"][0]["rows"][1]
    cir = lines[7]
    assert cir["row"] == row["title"] == "CIR"
    for column, value in (
        ("value", row["mean"]),
        ("low", row["low"]),
        ("difference", row["difference"]["mean"]),
        ("difference_high", row["difference"]["high"]),
        ("p_splits", row["p_splits"]),
        ("p_runs_holm", row["p_runs_holm"]),
        ("paper", row["paper_mean"]),
    ):
        assert float(cir[column]) == pytest.approx(value, abs=1e-6)
    runs = list(csv.DictReader(io.StringIO(made.files["table-2-runs.csv"])))
    assert len(runs) == 3 * 3 * 2
    means = [float(run["value"]) for run in runs if run["row"] == "CIR" and run["split"] == "Ar ITA"]
    assert float(lines[6]["value"]) == pytest.approx(sum(means) / 2)


def test_json_is_json() -> None:
    for number in (1, 2, 3, 4):
        assert json.loads(json.dumps(small_report(number).json, allow_nan=False))["table"] == number


@pytest.mark.parametrize("number", [1, 2])
def test_the_picture_is_xml_and_shows_every_row_within_its_bounds(number: int) -> None:
    svg = ElementTree.fromstring(small_report(number).files[f"table-{number}.svg"])
    width, height = (float(svg.get(side, "0")) for side in ("width", "height"))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    for row in layout(number).rows:
        assert texts.count(row.title) == (7 if number == 1 else 1 if row.title == layout(number).reference else 2)
    for circle in svg.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 < float(circle.get("cx", "0")) < width
        assert 0 < float(circle.get("cy", "0")) < height


@pytest.mark.parametrize("values", [[3.0], [0.0, 100.0], [-2.3, 4.1], [31.61, 31.68], [1e-9]])
def test_an_axis_holds_its_values(values: list[float]) -> None:
    first, last, step = axis(values)
    assert first <= min(values)
    assert last >= max(values) - 1e-9
    assert round((last - first) / step) == pytest.approx((last - first) / step)
    assert (last - first) / step <= 8


def test_numbers_as_text() -> None:
    assert [number_text(v) for v in (1.25, -0.04, None, float("nan"))] == ["1.2", "0.0", "-", "-"]
    assert [number_text(v, signed=True) for v in (1.26, -1.26, 0.01)] == ["+1.3", "-1.3", "0.0"]
    assert [p_text(v) for v in (None, 0.0004, 0.0625, 1.0)] == ["-", "<0.001", "0.062", "1"]
    assert interval_text(Estimate(1.0, (0.5, 1.5), None), signed=True) == "+1.0 [+0.5, +1.5]"
    assert interval_text(Estimate(1.0, None, None)) == "1.0"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(EgoactError, match="cannot be written"):
        write_files(tmp_path / "out", {"a": "b"})
