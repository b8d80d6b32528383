from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import NS_PER_S, Segment, Telemetry
from edge.text import cell_width
from edge.tui.columns import column_lines
from edge.tui.devices import device_lines
from edge.tui.engines import engine_lines
from edge.tui.events import event_lines
from edge.tui.header import header_lines
from edge.tui.health import age_colour, drop_colour, rate_colour
from edge.tui.label import label_lines
from edge.tui.letters import BIG_ROWS, big_letters
from edge.tui.lines import bar, text_of
from edge.tui.segments import segment_lines
from edge.tui.sound import sound_lines
from edge.tui.style import BAD, FAIR, GOOD
from edge.tui.telemetry import telemetry_lines
from edge.tui.timeline import segment_row, timeline_lines
from tests.edge.snapshots import LABELS, prediction, seconds, snapshot

SNAPSHOT = snapshot(24.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 220), st.integers(1, 60), st.floats(0, 70))
def test_no_panel_draws_beyond_its_width(width: int, height: int, at_s: float) -> None:
    shown = snapshot(at_s, duration_s=70.0)
    panels = [
        header_lines(shown, width, paused=False) if width >= 58 else [],
        column_lines(shown, 0, width, height, titled=True),
        timeline_lines(shown, width, height),
        segment_lines(shown, width, height) if width >= 27 else [],
        event_lines(shown, width, height),
        label_lines(shown, width, height) if width >= 20 else [],
        sound_lines(shown, width, height) if width >= 24 else [],
        device_lines(shown, width, height),
        engine_lines(shown, width, height) if width >= 30 else [],
    ]
    for lines in panels:
        assert all(cell_width(line) <= width for line in text_of(lines).splitlines())


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_has_exactly_its_cells(share: float, cells: int) -> None:
    assert len(bar(share, cells, "#ffffff")[0]) == cells


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "    "), (0.5, "██  "), (1.0, "████"), (0.15625, "▋   "), (7.0, "████")]
)
def test_a_bar_is_filled_in_eighths(share: float, text: str) -> None:
    assert bar(share, 4, "#ffffff")[0] == text


def test_the_columns_show_the_top_five_of_their_own_mode() -> None:
    shown = replace(SNAPSHOT, prediction=prediction(3, "cut", video_label="mix", audio_label="idle", confidence=0.5))
    tops = [text_of(column_lines(shown, mode, 24, 5, titled=False)).split("\n") for mode in range(3)]
    assert [lines[0].split()[0] for lines in tops] == ["cut", "mix", "idle"]
    assert [lines[0].split()[-1] for lines in tops] == ["50%"] * 3
    assert [len(lines) for lines in tops] == [5, 5, 5]


def test_a_segment_stands_where_its_time_is_and_has_at_least_a_cell() -> None:
    said = [seconds(10, 20, "cut"), seconds(20, 20.01, "mix"), seconds(30, 90, "pour"), seconds(70, 80, "fold")]
    row = segment_row(said, LABELS, 0, 60 * NS_PER_S, 60)
    assert text_of([row]) == "──────────" + " cut      " + " " + "─────────" + " pour".ljust(30)


SEGMENT_LISTS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=8).map(
    lambda pairs: sorted(
        (Segment(a * NS_PER_S, (a + n) * NS_PER_S, "cut", 0.5) for a, n in pairs), key=lambda s: s.start_ns
    )
)


@given(SEGMENT_LISTS, st.integers(0, 60), st.integers(10, 150))
def test_a_timeline_row_has_exactly_its_cells(segments: list[Segment], start_s: int, cells: int) -> None:
    row = segment_row(segments, LABELS, start_s * NS_PER_S, (start_s + 60) * NS_PER_S, cells)
    assert cell_width(text_of([row])) == cells


def test_the_timeline_scrolls_and_does_not_tell_the_future() -> None:
    shown = replace(
        snapshot(100.0, duration_s=200.0),
        closed_segments=(seconds(10, 30, "mix"), seconds(95, 98, "cut")),
        open_segment=None,
        truth=(seconds(94, 130, "fold"), seconds(130, 140, "pour")),
    )
    axis, said, truth = text_of(timeline_lines(shown, 127, 4)).split("\n")
    assert "1:00" in axis
    assert "0:30" not in axis
    assert "mix" not in said
    assert said.index("cut") == 7 + 111  # 60 s on 120 cells: 95 s is at cell 110, after one cell of margin
    assert "pour" not in truth
    assert truth.rstrip("─") == truth  # the annotated action that goes on reaches the present, at the right end


def test_the_segment_list_is_newest_first_and_marks_agreement() -> None:
    shown = replace(
        SNAPSHOT,
        closed_segments=(seconds(1, 3, "cut"), seconds(4, 6, "mix")),
        open_segment=replace(seconds(7, 8, "pour"), state="open"),
        truth=(seconds(1, 3, "cut"), seconds(4, 6, "fold")),
    )
    lines = text_of(segment_lines(shown, 40, 9)).split("\n")
    assert [line.split()[2] for line in lines] == ["pour", "mix", "cut"]
    assert [line[-1] for line in lines] == ["✗", "✗", "✓"]
    assert "1.0…" in lines[0]
    assert len(segment_lines(shown, 40, 2)) == 2


def test_telemetry_says_what_it_has_and_what_it_has_not() -> None:
    text = text_of(telemetry_lines(SNAPSHOT, 60, 10))
    assert "720 captured, 711 used, 0 dropped" in text
    assert "video 96  audio 31  wait 4  fbank 3  head 1" in text
    empty = text_of(telemetry_lines(replace(SNAPSHOT, telemetry=Telemetry()), 60, 10))
    assert "no label yet" in empty
    fast = replace(SNAPSHOT, telemetry=Telemetry(rows=9))
    assert "not at real pace" in text_of(telemetry_lines(fast, 60, 2))


def test_health() -> None:
    assert [age_colour(ms) for ms in (533.0, 534.0, 1066.0, 1067.0)] == [GOOD, FAIR, FAIR, BAD]
    drops = [Telemetry(captured_frames=100, dropped_frames=n) for n in (0, 1, 4, 5)]
    assert [drop_colour(t) for t in drops] == [GOOD, FAIR, FAIR, BAD]
    assert [rate_colour(hz) for hz in (29.97, 28.4, 22.4)] == [GOOD, FAIR, BAD]


def test_the_event_log_keeps_the_newest_lines() -> None:
    shown = replace(SNAPSHOT, events=("one", "two", "three"))
    assert text_of(event_lines(shown, 10, 2)) == "two\nthree"
    assert event_lines(shown, 10, 0) == []


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_/ ", min_size=1, max_size=12))
def test_big_letters_are_as_wide_in_every_row(word: str) -> None:
    rows = big_letters(word)
    assert rows is not None
    assert len(rows) == BIG_ROWS
    assert len({len(row) for row in rows}) == 1


def test_a_word_that_the_font_lacks_is_left_to_plain_letters() -> None:
    assert big_letters("größe") is None
    assert big_letters("") is None
    assert text_of(
        label_lines(replace(SNAPSHOT, prediction=prediction(0, "größe", labels=("größe",)), labels=("größe",)), 60, 6)
    ).startswith("größe\n")
