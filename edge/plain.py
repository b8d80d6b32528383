"""Plain lines for a pipe, a log or a terminal without the TUI: one line a closed segment, then a closing summary."""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import TextIO

from edge.contract import MODES, NS_PER_S, RunResult, Segment
from edge.palette import label_colour
from edge.score import SEGMENT_IOU, Score
from edge.text import cell_width, fit, printable

_NARROWEST_CELLS = 48
_UNLIMITED_CELLS = 10_000
_LABEL_CELLS = 16
_INDENT = " " * 14
PACE_WORDS = {"realtime": "replayed at real pace", "fast": "replayed as fast as possible", "live": "live"}


class PlainView:
    """Writes lines to a text stream, coloured only on a terminal and without NO_COLOR, as wide as it at most."""

    def __init__(self, stream: TextIO, *, width: int | None = None, colour: bool | None = None) -> None:
        terminal = stream.isatty()
        # A pipe or file gets whole lines: cutting them there would lose text for nothing.
        cells = width or (shutil.get_terminal_size().columns if terminal else _UNLIMITED_CELLS)
        self._width = max(cells, _NARROWEST_CELLS)
        self._colour = colour if colour is not None else terminal and colour_wanted()
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._stream = stream

    def title(self, text: str) -> None:
        """Announce a clip."""
        self._write(printable(text))

    def segment(self, segment: Segment, labels: tuple[str, ...]) -> None:
        """Write one closed segment."""
        start, end = clock_text(segment.start_ns / NS_PER_S), clock_text(segment.end_ns / NS_PER_S)
        head = f"{start:>7} - {end:>7}  "
        tail = f" {100 * segment.confidence:3.0f} %  {(segment.end_ns - segment.start_ns) / NS_PER_S:5.1f} s"
        label = printable(segment.label)
        label = fit(label, min(max(_LABEL_CELLS, cell_width(label)), self._width - len(head) - len(tail)))
        self._write(head + (_painted(label, label_colour(segment.label, labels)) if self._colour else label) + tail)

    def summary(self, result: RunResult, score: Score | None = None) -> None:
        """Write the closing lines of one run."""
        for line in summary_lines(result, score):
            for part in textwrap.wrap(printable(line), self._width, subsequent_indent=_INDENT, drop_whitespace=False):
                self._write(part.rstrip())

    def _write(self, line: str) -> None:
        # A terminal in the C locale must not stop a run over one letter.
        self._stream.write(line.encode(self._encoding, "backslashreplace").decode(self._encoding) + "\n")
        self._stream.flush()


def summary_lines(result: RunResult, score: Score | None = None) -> list[str]:
    """The closing summary as lines of plain text."""
    telemetry = result.telemetry
    lines = [f"{result.title}: {clock_text(result.duration_s)} {PACE_WORDS[result.pace]}"]
    if score is not None:
        lines += score_lines(score)
    else:
        lines.append(f"  segments    {telemetry.segments} (no annotation to compare with)")
    age = telemetry.label_age_ms
    if age is not None:
        lines.append(f"  label age   p50 {age[0]:.0f} ms, p95 {age[1]:.0f} ms, p99 {age[2]:.0f} ms")
    lines.append(
        f"  frames      {telemetry.captured_frames} captured = "
        f"{telemetry.used_frames} used + {telemetry.dropped_frames} dropped"
    )
    return lines + [f"  note        {note}" for note in result.notes]


def score_lines(score: Score) -> list[str]:
    """Accuracy by mode and segment F1 as lines of plain text."""
    actions = "   ".join(f"{mode} {percent(m.action_accuracy)}" for mode, m in zip(MODES, score.modes, strict=True))
    lines = [f"  actions     {actions}   ({score.modes[0].action_rows} rows)"]
    if score.background_label is not None:
        every = "   ".join(f"{mode} {percent(m.accuracy)}" for mode, m in zip(MODES, score.modes, strict=True))
        lines.append(f"  all rows    {every}   ({score.modes[0].rows} rows)")
    majority = percent(score.majority_action_accuracy)
    lines += [
        f"  by chance   {percent(score.chance)}; always the most frequent action {majority}",
        f"  segments    F1 {decimal(score.segment_f1)} at IoU {SEGMENT_IOU}, "
        f"precision {decimal(score.precision)}, recall {decimal(score.recall)}",
        f"              {score.said_segments} said, {score.truth_segments} annotated, "
        f"{decimal(score.edits_per_minute, 1)} edits a minute",
    ]
    if score.foreign_labels:
        lines.append(f"  note        labels that the bundle does not know: {', '.join(score.foreign_labels)}")
    return lines


def colour_wanted() -> bool:
    """False when NO_COLOR is set and not empty (no-color.org) or the terminal calls itself dumb."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def clock_text(seconds: float) -> str:
    """'m:ss.t', or 'h:mm:ss.t' from one hour on."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def percent(ratio: float | None) -> str:
    """'71.2 %', or 'n/a' when there was nothing to measure."""
    return "n/a" if ratio is None else f"{100 * ratio:.1f} %"


def decimal(value: float | None, digits: int = 2) -> str:
    """'0.67', or 'n/a' when there was nothing to measure."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def _painted(text: str, colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"\x1b[38;2;{red};{green};{blue}m{text}\x1b[0m"
