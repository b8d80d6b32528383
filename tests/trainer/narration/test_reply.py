from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.narration.rating.reply import percentage


@pytest.mark.parametrize(
    ("reply", "percent"),
    [
        ("85", 85),
        (" 85 %\n", 85),
        ("85%.", 85),
        ("**85%**", 85),
        ("0", 0),
        ("100%", 100),
        ("85.5", 85.5),
        ("0.5%", 0.5),
        ("1", 1),
        ("85/100", 85),
        ("85 out of 100", 85),
        ("Score: 85", 85),
        ("Consistency rating: 85%", 85),
        ("The consistency is 85%.", 85),
        ("As both tell of cutting, I would say 85 percent", 85),
        ("I rate this 85 out of 100", 85),
        ("<think>First 20, then 30.\n\nNo.</think>\n\n85", 85),
    ],
)
def test_percentages(reply: str, percent: float) -> None:
    assert percentage(reply) == percent


@pytest.mark.parametrize(
    "reply",
    [
        *("", "none", "150", "150%", "101", "100.1", "-5", "-5%", "80-90", "80-90%", "80 or 90%", "1e2", "nan", "inf"),
        *("0.85", "There are 2 narrations", "The score is 85", "85\n90", "85%\nBecause both tell of cutting.", "85,5"),
        *(
            "Both 2 narrations agree to 85%",
            "٨٥",
            "８５",
            "85 90",
            "85/10",
            "8.5/10",
            "1,000%",
            "85%5",
            "x85%",
            "0850%",
        ),
        *("<think>85", "eighty-five percent", "85 %% 3", "2/100 to 3/100", "-85% sure", "+85%", "85²", "the ½ is 85%"),
        *("The audio narration is 2.5% more detailed than the visual one.", "It is 100% accurate.", "85% sure."),
    ],
)
def test_what_is_no_percentage_is_none(reply: str) -> None:
    assert percentage(reply) is None


@given(st.text())
def test_any_reply_gives_a_percentage_or_none(reply: str) -> None:
    found = percentage(reply)
    assert found is None or 0 <= found <= 100


@given(st.integers(0, 100), st.sampled_from(["", "%", " %", "/100", " out of 100"]), st.sampled_from(["", ".", "\n "]))
def test_whole_percentages_are_read_as_they_are(number: int, mark: str, end: str) -> None:
    assert percentage(f"{number}{mark}{end}") == number


@given(st.floats(0, 100), st.integers(0, 6))
def test_fractions_are_read_where_they_are_marked(number: float, places: int) -> None:
    text = f"{number:.{places}f}"
    found = percentage(f"{text}%")
    assert found is not None
    assert math.isclose(found, float(text))
    assert percentage(text) == (None if 0 < float(text) < 1 else float(text))


@given(st.integers(101, 10**9) | st.integers(-(10**9), -1), st.sampled_from(["{}", "{}%", "It is {}%.", "Score: {}"]))
def test_numbers_out_of_range_are_none(number: int, sentence: str) -> None:
    assert percentage(sentence.format(number)) is None


@given(
    st.integers(0, 100), st.integers(0, 100), st.sampled_from(["{}% or {}%", "{} to {}%", "Of {} things {}%", "{}\n{}"])
)
def test_two_numbers_are_none(one: int, two: int, sentence: str) -> None:
    assert percentage(sentence.format(one, two)) is None
