from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from edge.contract import RunResult
from edge.timeline import strip_length_s, timeline_svg
from tests.edge.snapshots import prediction, run_result, seconds, truth_segments

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str) -> list[tuple[str, float, float, float]]:
    """(label, x, y, width) of every bar that carries a label."""
    found = []
    for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        tip = rect.find(f"{SVG}title")
        if tip is not None:
            found.append(
                (tip.text or "", float(rect.get("x", "")), float(rect.get("y", "")), float(rect.get("width", "")))
            )
    return found


def plain_run(**changes: object) -> RunResult:
    return replace(run_result(60.0), predictions=(), segments=(), **changes)  # type: ignore[arg-type]


def test_a_segment_stands_where_its_time_is() -> None:
    # 1200 px wide, 104 px on the left and 28 px on the right: 1068 px a minute.
    (bar,) = bars(timeline_svg(replace(plain_run(), segments=(seconds(15, 30, "cut"),))))
    assert bar[0] == "cut"
    assert bar[1] == pytest.approx(104 + 267, abs=0.1)
    assert bar[3] == pytest.approx(267 - 0.8, abs=0.1)


def test_truth_and_said_share_the_time_axis_and_the_colour() -> None:
    svg = timeline_svg(replace(plain_run(), segments=(seconds(5, 9, "cut"),)), [seconds(5, 9, "cut")])
    truth, said = bars(svg)
    assert (truth[1], truth[3]) == (said[1], said[3])
    assert truth[2] < said[2]
    assert len(set(re.findall(r'fill="(#[0-9a-f]{6})"', svg))) == 1


def test_hops_of_one_label_become_one_bar_and_a_missing_modality_says_none() -> None:
    made = tuple(prediction(row, "cut" if row < 4 else "pour", audio=False) for row in range(6))
    svg = timeline_svg(replace(plain_run(), predictions=made))
    assert [bar[0] for bar in bars(svg)] == ["cut", "pour"]
    assert texts(svg).count("none") == 1


def test_without_annotation_there_is_no_truth_row() -> None:
    assert "annotated" in texts(timeline_svg(run_result(), truth_segments()))
    assert "annotated" not in texts(timeline_svg(run_result()))


@pytest.mark.parametrize(
    ("duration_s", "strip_s"),
    [(0.0, 1.0), (0.5, 1.0), (42.0, 42.0), (60.0, 60.0), (61.0, 60.0), (720.0, 60.0), (721.0, 120.0), (7200.0, 600.0)],
)
def test_strip_lengths(duration_s: float, strip_s: float) -> None:
    assert strip_length_s(duration_s) == strip_s


def test_a_long_run_is_cut_into_strips_and_a_segment_across_the_cut_is_in_both() -> None:
    svg = timeline_svg(replace(plain_run(duration_s=150.0), segments=(seconds(55, 65, "cut"),)))
    first, second = bars(svg)
    assert first[2] < second[2]
    assert second[1] == 104
    assert texts(svg).count("egoact") == 3
    assert [text for text in texts(svg) if text == "2:30"] == ["2:30"]


def test_the_confidence_curve_is_grey_where_the_label_is_unknown() -> None:
    made = tuple(prediction(row, "cut", unknown=row == 1) for row in range(3))
    lines = list(ElementTree.fromstring(timeline_svg(replace(plain_run(), predictions=made))).iter(f"{SVG}polyline"))
    assert [line.get("class") for line in lines] == ["curve", "unsure", "curve"]


def test_the_legend_names_the_labels_that_occur_and_no_others() -> None:
    svg = timeline_svg(replace(plain_run(), segments=(seconds(0, 0.1, "mix"), seconds(1, 1.1, "juggle"))))
    assert [text for text in texts(svg) if text in ("cut", "mix", "juggle")] == ["mix", "juggle"]


def test_hostile_labels_and_titles_stay_text() -> None:
    nasty = '</text><script>alert("x")</script>\x1b]0;\x00&'
    svg = timeline_svg(replace(plain_run(title=nasty), segments=(seconds(0, 60, nasty),)))
    root = ElementTree.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert bars(svg)[0][0] == '</text><script>alert("x")</script>\\x1b]0;\\x00&'


def test_nothing_is_loaded_from_elsewhere_and_dark_pages_are_served() -> None:
    svg = timeline_svg(run_result(), truth_segments())
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in svg


def test_an_empty_run_is_a_picture_too() -> None:
    assert "confidence" in texts(timeline_svg(plain_run(duration_s=0.0)))
