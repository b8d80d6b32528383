from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.narration.clean_up import FALLBACK, SUBJECTS, clean_up, variants, with_subject


@pytest.mark.parametrize(
    ("narration", "clean"),
    [
        ("#C C cuts the bamboo with a knife.", "#c c cuts the bamboo with a knife"),
        ("#C C picks #unsure", "#c c picks something"),
        ("#C C picks #Unsure.", "#c c picks something"),
        ("#C C wipes #unsure's hand", "#c c wipes something's hand"),
        ("#C is doing something", "#c c is doing something"),
        ("#C cuts bread", "#c c cuts bread"),
        ("#c c. ", "#c c"),
        ("#O A man X talks to #C C", "#o a man x talks to #c c"),
        ("#C C gives #C C's cup to #O B", "#c c gives #c c's cup to #o b"),
        ("  A motor \t is  heard . ", "a motor is heard"),
        ("waits..", "waits."),
        ("#cat sits", "#cat sits"),
        ("C C walks", "c c walks"),
        ("", FALLBACK),
        (" . ", FALLBACK),
    ],
)
def test_marks_of_ego4d(narration: str, clean: str) -> None:
    assert clean_up(narration) == clean


def test_the_five_subjects_of_cir() -> None:
    assert variants("#C C puts #unsure down.") == (
        "She puts something down",
        "He puts something down",
        "The woman puts something down",
        "The man puts something down",
        "The user puts something down",
    )
    assert variants("") == tuple(f"{subject} is doing something" for subject in SUBJECTS)


def test_every_mention_of_the_wearer_is_the_same_person() -> None:
    assert with_subject("#C C hands #O A the cup, then #C C sits", "He") == "He hands #o a the cup, then He sits"


def test_without_the_wearer_there_is_nothing_to_vary() -> None:
    assert set(variants("A motor hums.")) == {"a motor hums"}


def cir_preprocess_text(narration: str, subject: str) -> str:
    """What CIR's function does with one narration and one draw."""
    text = narration.lower().replace("#unsure", "something")
    if text[-1] == ".":
        text = text[:-1]
    return text.lower().replace("#c c", subject)


words = st.sampled_from(["cuts", "the", "bamboo", "#unsure", "#O A", "#C C", "man X", "with", "it's", "3"])


@given(st.lists(words, min_size=1, max_size=8), st.sampled_from(["", "."]))
def test_on_well_formed_narrations_it_is_what_cir_does(parts: list[str], end: str) -> None:
    narration = " ".join(parts) + end
    assert variants(narration) == tuple(cir_preprocess_text(narration, subject) for subject in SUBJECTS)


@given(st.text(alphabet="#cCoO u.nsre\t", max_size=30))
def test_cleaning_twice_changes_nothing_but_a_second_dot(narration: str) -> None:
    clean = clean_up(narration)
    assert clean == " ".join(clean.split())
    if not clean.endswith("."):
        assert clean_up(clean) == clean
    assert not re.search(r"#c(?! c\b)\b", clean)
