from __future__ import annotations

from pathlib import Path

import pytest

from trainer.data.argo1m import LOCATIONS, SCENARIOS, SPLITS, VERBS, split_files, split_named, split_of_file
from trainer.data.errors import DatasetError


def test_the_lists_have_the_sizes_and_the_order_of_the_index_files() -> None:
    assert (len(VERBS), len(SCENARIOS), len(LOCATIONS)) == (60, 10, 13)
    assert (len(set(VERBS)), len(set(SCENARIOS)), len(set(LOCATIONS))) == (60, 10, 13)
    assert [VERBS.index(verb) for verb in ("dip", "turn-on", "scrubs", "clear")] == [0, 12, 28, 59]
    assert [SCENARIOS.index(name) for name in ("Sport", "Gardening", "Knitting")] == [0, 4, 9]
    assert [LOCATIONS.index(name) for name in ("Pittsburgh", "Saudi Arabia", "Colombia")] == [0, 7, 12]


def test_every_split_holds_out_the_domain_of_its_name() -> None:
    held_out = {s.title: (SCENARIOS.index(s.scenario), LOCATIONS.index(s.location)) for s in SPLITS}
    assert held_out == {
        "Ga US-PNA": (4, 0),
        "Cl US-MN": (6, 11),
        "Kn IND": (9, 1),
        "Sh IND": (8, 1),
        "Bu US-PNA": (7, 0),
        "Me SAU": (5, 7),
        "Sp COL": (0, 12),
        "Co JPN": (3, 10),
        "Ar ITA": (1, 4),
        "Pl US-IN": (2, 9),
    }


@pytest.mark.parametrize("name", ["Ar_ITA", "Ar ITA", "arts_and_craft_ita", "Arts_and_craft_ITA", " AR_ita "])
def test_both_styles_name_a_split(name: str) -> None:
    assert split_named(name).title == "Ar ITA"


def test_an_unknown_split_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(DatasetError, match=r"split 'Ar_USA': there is none; take one of Ga_US-PNA, .*Pl_US-IN$"):
        split_named("Ar_USA")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Ar_ITA_train.csv", ("Ar ITA", "train")),
        ("Playing_US-IN_val.beton", ("Pl US-IN", "validation")),
        ("Pl_US-IN_validation.csv", ("Pl US-IN", "validation")),
        ("Cooking_JPN_test.csv", ("Co JPN", "test")),
        ("Cooking_JPN_dev.csv", None),
        ("manifest.csv", None),
        ("other_test.csv", None),
    ],
)
def test_a_file_name_tells_its_split_and_part(file: str, expected: tuple[str, str] | None) -> None:
    found = split_of_file(Path(file))
    assert (found and (found[0].title, found[1])) == expected


def test_files_of_a_folder_are_found_in_order_and_two_of_a_kind_are_refused(tmp_path: Path) -> None:
    for name in ("Sport_COL_test.csv", "Sp_COL_train.csv", "Cl_US-MN_test.csv", "notes.csv", "Sp_COL_val.beton"):
        (tmp_path / name).touch()
    found = split_files(tmp_path, ".csv")
    assert [(s.title, part, p.name) for s, parts in found.items() for part, p in parts.items()] == [
        ("Cl US-MN", "test", "Cl_US-MN_test.csv"),
        ("Sp COL", "train", "Sp_COL_train.csv"),
        ("Sp COL", "test", "Sport_COL_test.csv"),
    ]
    (tmp_path / "Sp_COL_test.csv").touch()
    with pytest.raises(DatasetError, match=r"Sp_COL_test\.csv and Sport_COL_test\.csv are both Sp COL, test; keep one"):
        split_files(tmp_path, ".csv")
    with pytest.raises(DatasetError, match=r"nowhere: cannot be read"):
        split_files(tmp_path / "nowhere", ".csv")
