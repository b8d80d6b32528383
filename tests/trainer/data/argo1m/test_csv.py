from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.contract import WindowSpec
from tests.argo1m_files import Argo1mFiles, Clip, Style, write_csv
from trainer.data.argo1m_csv import clip_rows, read_argo1m_csv
from trainer.data.errors import DatasetError

CLIPS = [
    Clip("uid-b", 13, 3, 10, 4, 9, '#C C cuts the "big" onion,\nslowly', audio_narration="A knife", consistency=0.25),
    Clip("uid-a", 59, 9, 12, 0, 0, "#C C clears the table", consistency=0.0),
    Clip("uid-b", 0, 0, 0, 17, 18, "", audio_narration="A knife"),
]
ALIASES = {
    "readme": ("class read from 'label' (numbers)",),
    "code": (),
    "raw": ("location read from 'source_idx'",),
}
HEADER = "uid,label,scenario_idx,location_idx,action_start_feature_idx,action_end_feature_idx"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "Ar_ITA_train.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("style", ["readme", "code", "raw"])
def test_every_style_of_columns_gives_the_same_clips(tmp_path: Path, style: Style) -> None:
    write_csv(tmp_path / "a.csv", CLIPS, style)
    clips = read_argo1m_csv(tmp_path / "a.csv")
    facts = clips.facts
    assert [facts.video_names[v] for v in facts.video] == ["uid-b", "uid-a", "uid-b"]
    assert [facts.label_names[i] for i in facts.label] == ["cut", "clear", "dip"]
    assert [facts.scenario_names[i] for i in facts.scenario] == ["Cooking", "Knitting", "Sport"]
    assert [facts.location_names[i] for i in facts.location] == ["Tokyo", "Colombia", "Pittsburgh"]
    assert (clips.start.tolist(), clips.end.tolist(), clips.csv_row.tolist()) == ([4, 0, 17], [9, 0, 18], [0, 1, 2])
    texts = [facts.texts[i] if i >= 0 else None for i in facts.narration]
    assert texts == [CLIPS[0].narration, CLIPS[1].narration, None]
    assert clips.notes == ALIASES[style]


def test_our_columns_are_optional(tmp_path: Path) -> None:
    write_csv(tmp_path / "ours.csv", CLIPS, "readme")
    facts = read_argo1m_csv(tmp_path / "ours.csv").facts
    assert facts.consistency.tolist() == [0.25, 0.0, 1.0]
    assert [facts.texts[i] if i >= 0 else None for i in facts.audio_narration] == ["A knife", None, "A knife"]
    assert facts.audio_narration[0] == facts.audio_narration[2]
    assert facts.narrated.tolist() == [True, False, False]
    write_csv(tmp_path / "raw.csv", CLIPS, "raw")
    facts = read_argo1m_csv(tmp_path / "raw.csv").facts
    assert facts.consistency.tolist() == [1, 1, 1]
    assert facts.audio_narration.tolist() == [-1, -1, -1]


def test_an_empty_rating_counts_as_one_and_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    path = written(
        tmp_path, f"\ufeff{HEADER.replace('uid', ' UID ', 1)},consistency\r\nu,1,2,3,4,5,\r\nu,1,2,3,4,5,0.5\r\n"
    )
    assert read_argo1m_csv(path).facts.consistency.tolist() == [1.0, 0.5]


@pytest.mark.parametrize("column", ["label", "verb"])
def test_a_class_may_be_given_by_name(tmp_path: Path, column: str) -> None:
    clips = read_argo1m_csv(
        written(tmp_path, f"{HEADER.replace('label', column)}\nu,Turn-On,2,3,4,5\nu,clear,2,3,4,5\n")
    )
    assert clips.facts.label.tolist() == [12, 59]
    assert clips.notes == (f"class read from '{column}' (names)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'label_idx' or 'label' or 'verb'; add it"),
        (HEADER.replace("uid", "video") + "\nu,1,2,3,4,5\n", "no column 'uid'; add it"),
        (
            HEADER.replace("location_idx", "place") + "\nu,1,2,3,4,5\n",
            "no column 'location_idx' or 'source_idx'; add it",
        ),
        (HEADER.replace("action_end_feature_idx", "end") + "\nu,1,2,3,4,5\n", "no column 'action_end_feature_idx'"),
        (HEADER + ",label\nu,1,2,3,4,5,6\n", "column 'label' occurs twice; keep one"),
        (HEADER + "\n", "holds no clip"),
        (HEADER + "\nu,1,2,3,4,5\nu,60,2,3,4,5\nu,61,2,3,4,5\n", r"row 2: label 60 is not in 0..59; .* \(2 rows"),
        (HEADER + "\nu,1,10,3,4,5\n", "row 1: scenario 10 is not in 0..9"),
        (HEADER + "\nu,1,2,-1,4,5\n", "row 1: location -1 is not in 0..12"),
        (HEADER + "\nu,1,2,3,4,5\nu,1,2,3,4.5,5\n", "row 2: action_start_feature_idx '4.5' is not a whole number"),
        (HEADER + "\nu,1,2,3,4,\n", "row 1: action_end_feature_idx '' is not a number"),
        (HEADER + "\nu,1,2,inf,4,5\n", "row 1: location_idx 'inf' is not a whole number"),
        (HEADER + "\nu,1,2,3,4,1e300\n", "row 1: action_end_feature_idx '1e300' is not a whole number"),
        (HEADER + "\nu,juggle,2,3,4,5\n", "row 1: label 'juggle' is none of the 60 classes"),
        (HEADER + "\nu,1,2,3,4,5\n,1,2,3,4,5\n", "row 2: uid '' is not an Ego4D video uid"),
        (HEADER + "\na/u,1,2,3,4,5\n", "row 1: uid 'a/u' is not an Ego4D video uid"),
        (HEADER + "\n.u,1,2,3,4,5\n", "row 1: uid '.u' is not an Ego4D video uid"),
        (
            HEADER + ",consistency\nu,1,2,3,4,5,1.5\n",
            r"row 1: consistency 1\.5 is not in 0..1; divide the column by 100",
        ),
        (HEADER + ",consistency\nu,1,2,3,4,5,-1\n", "row 1: consistency -1 is not in 0..1; correct it"),
        (HEADER + ",consistency\nu,1,2,3,4,5,often\n", "row 1: consistency 'often' is not a number"),
        (HEADER + "\nu,1,2,3\n", "cannot be read as CSV"),
    ],
)
def test_bad_files_are_refused_in_one_line_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        read_argo1m_csv(written(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path / "Ar_ITA_train.csv") + ":")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"uid,label\xff\xfe\n1,2\n")
    with pytest.raises(DatasetError, match=r"a\.csv: cannot be read as CSV"):
        read_argo1m_csv(path)
    path.write_bytes(HEADER.encode() + b"\nu\xff,1,2,3,4,5\n")
    with pytest.raises(DatasetError, match=r"a\.csv: cannot be read as CSV"):
        read_argo1m_csv(path)
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read_argo1m_csv(tmp_path / "none.csv")


def test_rows_of_a_clip_are_those_of_the_window_contract() -> None:
    rng = np.random.default_rng(0)
    start = rng.integers(0, 500, 200)
    end = start + rng.integers(0, 40, 200)
    expected = [WindowSpec().clip_row_indices(int(s), int(e)) for s, e in zip(start, end, strict=True)]
    assert clip_rows(start, end, 10_000).tolist() == expected
    assert clip_rows(np.array([10, 10]), np.array([11, 13]), 100).tolist() == [
        [10, 10, 11],
        [10, 12, 13],
    ]  # half to even


def test_rows_are_clipped_to_what_the_video_has() -> None:
    rows = clip_rows(np.array([-3, 4, 30]), np.array([1, 40, 40]), np.array([10, 20, 20]))
    assert rows.tolist() == [[0, 0, 1], [4, 19, 19], [19, 19, 19]]


def test_a_selection_keeps_its_place_in_the_file_and_an_empty_one_is_refused(right_files: Argo1mFiles) -> None:
    clips = read_argo1m_csv(right_files.csv("train"))
    some = clips.select(np.array([5, 1]))
    assert some.csv_row.tolist() == [5, 1]
    assert some.facts.label.tolist() == clips.facts.label[[5, 1]].tolist()
    with pytest.raises(DatasetError, match=r"Ar_ITA_train\.csv: holds no clip"):
        clips.select(clips.start > 10**6)
