from __future__ import annotations

from pathlib import Path

import pytest

from edge.annotations.csv_table import csv_rows
from edge.annotations.label_map import BUILT_IN, COLUMNS, key, read_label_map
from edge.annotations.read import read_truth
from edge.annotations.truth import Truth
from edge.bundle import SHIPPED, load_bundle
from edge.errors import AnnotationError
from tests.edge.snapshots import seconds

LABELS = ("cut", "mix", "idle")


def own(folder: Path, *labels: str) -> Path:
    path = folder / "own.csv"
    rows = (f"a.mp4,{n},{n + 1},{label}" for n, label in enumerate(labels))
    path.write_text("video,start_s,end_s,label\n" + "\n".join(rows) + "\n")
    return path


def test_the_words_of_an_own_csv_are_meant_as_they_stand(tmp_path: Path) -> None:
    found = read_truth(own(tmp_path, "cut", "stir", "Mix"), LABELS)
    truth = found.of("a.mp4")
    assert truth is not None
    assert [s.label for s in truth.segments] == ["cut", "stir", "mix"]
    assert found.unmapped == {"stir": 1}


def test_what_is_left_out_is_not_judged(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("from,to\nstir,mix\nwave,\n")
    found = read_truth(own(tmp_path, "stir", "wave"), LABELS, table)
    assert found.of("a.mp4") == Truth((seconds(0, 1, "mix", 1.0),), None, ((1_000_000_000, 2_000_000_000),))
    truth = found.of("a.mp4")
    assert truth is not None
    assert [truth.judges(round(t * 1e9)) for t in (0.5, 1.5, 2.5)] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n", "no column 'from'"),
        ("from,to\nstir,stirring\n", ":2: 'stirring' is not a label of the bundle"),
        ("from,to\nstir,mix\nSTIR,cut\n", ":3: 'STIR' is mapped twice"),
        ("from,to\n,mix\n", ":2: no 'from'"),
        ("", "is empty"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=reason.replace("(", r"\(")):
        read_label_map(path, LABELS)


def test_the_built_in_table_leads_to_labels_of_the_shipped_bundle_only() -> None:
    rows = [cells for _, cells in csv_rows(BUILT_IN, COLUMNS)]
    assert {cells["to"] for cells in rows} <= set(load_bundle(SHIPPED).labels)
    assert len({key(cells["from"]) for cells in rows}) == len(rows)


def test_case_blanks_and_underscores_make_no_difference() -> None:
    assert {key(w) for w in ("Turn on", "turn_on", " turn-on ", "TURN--ON")} == {"turn-on"}
