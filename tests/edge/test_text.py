from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.text import cell_width, cut, fit, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cut", "cut"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("two\nlines\r\t", "two\\x0alines\\x0d\\x09"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone \ud800", "lone \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("größe 切る", "größe 切る"),
    ],
)
def test_control_characters_are_escaped_and_letters_are_not(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_can_neither_move_the_cursor_nor_break_a_line(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert printable(shown) == shown


def test_wide_and_combining_characters_count_as_terminals_draw_them() -> None:
    assert [cell_width(text) for text in ("cut", "切る", "e\u0301", "")] == [3, 4, 1, 0]


@given(st.text(), st.integers(1, 40))
def test_fitted_text_has_exactly_the_cells_asked_for(text: str, cells: int) -> None:
    assert cell_width(fit(text, cells)) == cells


def test_cutting_leaves_an_ellipsis_and_never_half_a_wide_character() -> None:
    assert cut("turn-on", 5) == "turn…"
    assert cut("切る切る", 4) == "切…"
    assert cut("cut", 3) == "cut"
    assert cut("cut", 0) == ""
