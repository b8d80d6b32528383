"""EPIC-KITCHENS-100's CSV, written here in its exact columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.annotations.action import Action
from edge.annotations.read import read_annotation_file, read_truth
from edge.contract import Segment
from edge.errors import AnnotationError

HEADER = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,stop_frame,"
    "narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
)
LABELS = ("cut", "turn-on", "wash", "idle")


def row(
    verb: str, number: int | str, noun: str = "onion", start: str = "00:00:01.50", stop: str = "00:00:03.25"
) -> str:
    times = f"00:00:00.560,{start},{stop},90,195"
    return f"P01_11_0,P01,P01_11,{times},{verb} {noun},{verb},{number},{noun},16,\"['{noun}']\",[16]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "EPIC_100_validation.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_with_all_its_words(tmp_path: Path) -> None:
    file = read_annotation_file(written(tmp_path, HEADER + row("put-down", 1, "plate", "01:02:03.5", "01:02:04")))
    words = ("put-down plate", "put-down plate", "put-down", "verb_class:1", "noun_class:16", "noun:plate")
    assert file.actions == (Action("P01_11", 3_723_500_000_000, 3_724_000_000_000, "put-down", words),)
    assert file.spans is None
    assert file.format == "EPIC-KITCHENS-100"


def test_the_built_in_table_maps_classes_and_counts_what_has_no_label(tmp_path: Path) -> None:
    rows = row("slice-off", 7) + row("turn-on", 6, "tap") + row("take", 0) + row("take", 0) + row("rinse", 2)
    found = read_truth(written(tmp_path, HEADER + rows), LABELS)
    truth = found.of("P01_11.MP4")
    assert truth is not None
    assert [s.label for s in truth.segments] == ["cut", "turn-on", "take", "take", "wash"]
    assert truth.segments[0] == Segment(1_500_000_000, 3_250_000_000, "cut", 1.0)
    assert found.unmapped == {"take": 2}
    assert found.renamed == {("verb_class:7", "cut"): 1, ("rinse", "wash"): 1}
    assert found.of("P01_12.MP4") is None


def test_the_users_table_comes_first_and_may_leave_out(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("from,to\nCut Onion,idle\ntake,\nnoun:tap,wash\n")
    rows = row("cut", 7) + row("take", 0) + row("press", 21, "tap")
    found = read_truth(written(tmp_path, HEADER + rows), LABELS, table)
    truth = found.of("P01_11.MP4")
    assert truth is not None
    assert [s.label for s in truth.segments] == ["idle", "wash"]
    assert found.left_out == {"take": 1}
    assert found.unmapped == {}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (HEADER.replace("verb,", "") + row("cut", 7), 1, "no column 'verb'"),
        (HEADER + row("cut", 7, start="1.5"), 2, "start_timestamp '1.5' is not a time such as"),
        (HEADER + row("cut", 7, stop="00:61:00.00"), 2, "stop_timestamp '00:61:00.00' is not a time"),
        (HEADER + row("cut", 7, stop="00:00:01.50"), 2, "is not after"),
        (HEADER + row("cut", "7.0"), 2, "verb_class '7.0' is not the number of a class"),
        (HEADER + row("cut", "9" * 5000), 2, "is not the number of a class"),
        (HEADER + row("", 7), 2, "no verb"),
        (HEADER + row("cut", 7) + "P01_11_1,P01\n", 3, "2 fields where the header names 15"),
        (HEADER + row("cut", 7, stop="٠٠:٠٠:٠٣"), 2, "is not a time"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(AnnotationError) as raised:
        read_truth(path, LABELS)
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
