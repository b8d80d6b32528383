"""JSON of others: what Python reads and code stumbles over is refused with a ValueError of one line."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.json_text import MOST_DIGITS, parse_json, read_bounded, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(VALUES)
def test_what_we_write_is_read(value: object) -> None:
    text = json.dumps(value)
    assert json.dumps(parse_json(text)) == text
    assert json.dumps(parse_json(text.encode())) == text


@settings(derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.text(alphabet='{}[]",:\\u0123dD8eE+-.NaInfity \n\x00\ufeff') | st.binary())
def test_anything_else_is_a_value_or_one_line(text: str | bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * (MOST_DIGITS + 1), "digits"),
        ("-" + "9" * 1_000_000, "digits"),
        ("1e999", "too large"),
        ("Infinity", "infinite"),
        ("-Infinity", "infinite"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ('["\\ud800"]', "half a character"),
        ('{"\\udfff": 1}', "half a character"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_what_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)


def test_missing_measurements_and_whole_characters_are_let_through() -> None:
    assert math.isnan(parse_json("NaN"))
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
    assert parse_json('"\\ud800"', keep_halves=True) == "\ud800"


def test_a_file_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(file) == [1]
    file.write_text("[" + "1," * 600_000 + "1]")
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        read_json(file, 1 << 20)
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        read_bounded(Path("/dev/zero"), 1 << 20)  # never ends
