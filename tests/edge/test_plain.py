from __future__ import annotations

import io
from dataclasses import replace

import pytest

from edge.plain import PlainView, clock_text, summary_lines
from edge.score import score_run
from edge.text import cell_width
from tests.edge.snapshots import LABELS, run_result, seconds, truth_segments


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_line_a_segment() -> None:
    out = io.StringIO()
    PlainView(out).segment(seconds(62.34, 65.94, "turn-on", 0.874), LABELS)
    assert out.getvalue() == " 1:02.3 -  1:05.9  turn-on           87 %    3.6 s\n"


def test_a_pipe_gets_no_colour_and_whole_labels() -> None:
    out = io.StringIO()
    PlainView(out).segment(seconds(0, 1, "a-label-longer-than-its-column"), LABELS)
    assert "a-label-longer-than-its-column " in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(
    ("name", "value", "coloured"), [("NO_COLOR", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)]
)
def test_no_color_and_dumb_terminals_are_respected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    out = Terminal()
    PlainView(out).segment(seconds(0, 1, "cut"), LABELS)
    assert ("\x1b[" in out.getvalue()) is coloured


@pytest.mark.parametrize("width", [48, 60, 80])
def test_lines_fit_the_terminal(width: int) -> None:
    out = Terminal()
    view = PlainView(out, width=width, colour=False)
    view.segment(seconds(3600, 7200, "切る" * 20), LABELS)
    result = replace(run_result(), notes=("a long note about the clip " * 8,))
    view.summary(result, score_run(result, truth_segments()))
    assert max(cell_width(line) for line in out.getvalue().splitlines()) <= width


def test_escapes_in_labels_and_titles_are_shown_as_text() -> None:
    out = io.StringIO()
    view = PlainView(out)
    view.title("clip\x1b[2J.mp4")
    view.segment(seconds(0, 1, "cut\n\x07"), LABELS)
    view.summary(replace(run_result(), title="t\r", notes=("n\x1bn",)))
    assert not set("\x1b\x07\r") & set(out.getvalue())
    assert out.getvalue().splitlines()[:1] == ["clip\\x1b[2J.mp4"]


def test_letters_that_the_terminal_cannot_encode_do_not_stop_the_run() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii")
    PlainView(ascii_only).segment(seconds(0, 1, "größe"), LABELS)
    assert b"gr\\xf6\\xdfe" in raw.getvalue()


def test_summary_of_an_annotated_run() -> None:
    result = run_result()
    text = "\n".join(summary_lines(result, score_run(result, truth_segments())))
    assert "1:00.0 replayed at real pace" in text
    assert "actions     all 89.5 %   video 66.3 %   audio 51.2 %   (86 rows)" in text
    assert "segments    F1 0.70 at IoU 0.5, precision 0.70, recall 0.70" in text
    assert "1800 captured = 1800 used + 0 dropped" in text
    assert "label age   p50 " in text


def test_summary_without_annotation_says_so_and_keeps_the_notes() -> None:
    result = run_result(audio=False)
    text = "\n".join(summary_lines(result))
    assert f"segments    {len(result.segments)} (no annotation to compare with)" in text
    assert "note        no audio track" in text
    assert "actions" not in text


@pytest.mark.parametrize(
    ("seconds_in", "text"),
    [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3599.96, "1:00:00.0"), (3661, "1:01:01.0")],
)
def test_clock(seconds_in: float, text: str) -> None:
    assert clock_text(seconds_in) == text
