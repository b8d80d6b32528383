"""A run as a picture: truth, what egoact said, what each modality alone said, and the confidence, over time (SVG 1.1).

The picture brings its own background, light or dark as the reader's page prefers, so that it reads on both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from edge.contract import NS_PER_S, Prediction, RunResult, Segment
from edge.palette import INK_COLOUR, NEUTRAL_COLOUR, label_colour
from edge.score import UNKNOWN_LABEL, said_label
from edge.text import cell_width, cut, printable

_WIDTH_PX = 1200
_LEFT_PX, _RIGHT_PX = 104, 28
_TITLE_PX, _AXIS_PX, _STRIP_GAP_PX = 44, 24, 22
_CURVE_PX = 54
_FONT_PX, _LETTER_PX = 12.5, 7.3
_LONGEST_STRIP_S = 60.0
_MOST_STRIPS = 12
_ROWS: tuple[tuple[str, str, int], ...] = (
    ("truth", "annotated", 26),
    ("said", "egoact", 26),
    ("video", "video alone", 18),
    ("audio", "audio alone", 18),
)
_ROW_GAP_PX = 5

_STYLE = f"""
text {{ font: {_FONT_PX}px "DejaVu Sans", Verdana, "Segoe UI", sans-serif; fill: #2b3138; }}
.paper {{ fill: #ffffff; stroke: #d5dae0; }}
.track {{ fill: #eef1f4; }}
.title {{ font-size: 16px; font-weight: bold; }}
.soft {{ fill: #66707b; }}
.grid {{ stroke: #d5dae0; stroke-width: 1; }}
.curve {{ fill: none; stroke: #2f6fb5; stroke-width: 1.6; stroke-linejoin: round; }}
.unsure {{ fill: none; stroke: #8b929c; stroke-width: 1.6; }}
.ink {{ fill: {INK_COLOUR}; }}
.neutral {{ fill: #c4cbd3; }}
.small {{ font-size: 10px; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #dfe4ea; }}
.paper {{ fill: #15191e; stroke: #2e353d; }}
.track {{ fill: #20262d; }}
.soft {{ fill: #97a1ac; }}
.grid {{ stroke: #333b44; }}
.curve {{ stroke: #7ab5f0; }}
.ink {{ fill: {INK_COLOUR}; }}
.neutral {{ fill: #4d5660; }}
}}
"""


def timeline_svg(result: RunResult, truth: Sequence[Segment] = ()) -> str:
    """SVG text of one run. Long runs are cut into strips of equal length, one below the other."""
    neutral = (result.background_label, UNKNOWN_LABEL)
    bars = _bars(result, tuple(truth))
    shown = {label for row in bars.values() for _, _, label in row}
    order = [label for label in result.labels if label in shown] + sorted(shown - set(result.labels))
    colours = {label: label_colour(label, result.labels, neutral) for label in order}
    strip_s = strip_length_s(result.duration_s)
    strips = max(1, math.ceil(result.duration_s / strip_s - 1e-9))
    rows = [row for row in _ROWS if row[0] != "truth" or truth]
    strip_px = sum(height + _ROW_GAP_PX for _, _, height in rows) + _CURVE_PX + _AXIS_PX + _STRIP_GAP_PX
    legend, legend_px = _legend(order, colours, _TITLE_PX + strips * strip_px)
    height_px = _TITLE_PX + strips * strip_px + legend_px
    body = [f'<text class="title" x="20" y="28">{_text(cut(result.title, 110))}</text>']
    for index in range(strips):
        body += _strip(result, bars, rows, colours, index * strip_s, strip_s, _TITLE_PX + index * strip_px)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH_PX} {height_px}" width="{_WIDTH_PX}" '
            f'height="{height_px}" role="img">',
            f"<title>{_text(f'What egoact said about {result.title} over time')}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{_WIDTH_PX - 1}" height="{height_px - 1}" rx="8"/>',
            *body,
            *legend,
            "</svg>\n",
        ]
    )


def strip_length_s(duration_s: float) -> float:
    """Length of one strip: the whole run up to a minute, then whole minutes so that at most 12 strips are needed."""
    if duration_s <= _LONGEST_STRIP_S:
        return max(duration_s, 1.0)
    return 60.0 * math.ceil(duration_s / 60 / _MOST_STRIPS)


def _bars(result: RunResult, truth: tuple[Segment, ...]) -> dict[str, list[tuple[int, int, str]]]:
    """(start ns, end ns, label) stretches of every row; hops of one label that touch are one stretch."""
    return {
        "truth": [(s.start_ns, s.end_ns, s.label) for s in truth],
        "said": [(s.start_ns, s.end_ns, s.label) for s in result.segments],
        "video": _joined(result, 1),
        "audio": _joined(result, 2),
    }


def _joined(result: RunResult, mode_index: int) -> list[tuple[int, int, str]]:
    stretches: list[tuple[int, int, str]] = []
    for prediction in result.predictions:
        label = said_label(prediction, result.labels, mode_index)
        if label is None:
            continue
        if stretches and stretches[-1][2] == label and stretches[-1][1] >= prediction.start_ns:
            stretches[-1] = (stretches[-1][0], prediction.end_ns, label)
        else:
            stretches.append((prediction.start_ns, prediction.end_ns, label))
    return stretches


def _strip(
    result: RunResult,
    bars: dict[str, list[tuple[int, int, str]]],
    rows: Sequence[tuple[str, str, int]],
    colours: dict[str, str],
    start_s: float,
    length_s: float,
    top_px: float,
) -> Iterator[str]:
    """One strip: its rows, its confidence curve, its time axis."""
    px_per_s = (_WIDTH_PX - _LEFT_PX - _RIGHT_PX) / length_s
    track_px = (min(start_s + length_s, result.duration_s) - start_s) * px_per_s
    bottom_px = top_px + sum(height + _ROW_GAP_PX for _, _, height in rows) + _CURVE_PX
    yield from _axis(start_s, length_s, track_px, px_per_s, top_px, bottom_px)
    for key, name, height_px in rows:
        yield _row_name(name, top_px + height_px / 2)
        yield f'<rect class="track" x="{_LEFT_PX}" y="{top_px}" width="{track_px:.1f}" height="{height_px}" rx="2"/>'
        if not bars[key] and key in ("video", "audio"):
            yield f'<text class="soft" x="{_LEFT_PX + 6}" y="{top_px + height_px / 2 + 4.5:.1f}">none</text>'
        for start_ns, end_ns, label in bars[key]:
            left_s = max(start_ns / NS_PER_S, start_s) - start_s
            right_s = min(end_ns / NS_PER_S, start_s + length_s, result.duration_s) - start_s
            if right_s > left_s:
                x, width = _LEFT_PX + left_s * px_per_s, (right_s - left_s) * px_per_s
                yield _bar(x, top_px, width, height_px, label, colours[label])
        top_px += height_px + _ROW_GAP_PX
    yield from _curve(result.predictions, start_s, length_s, track_px, px_per_s, top_px)


def _row_name(name: str, middle_px: float) -> str:
    return f'<text class="soft" x="{_LEFT_PX - 10}" y="{middle_px + 4.5:.1f}" text-anchor="end">{name}</text>'


def _bar(x: float, y: float, width: float, height: float, label: str, colour: str) -> str:
    width = max(width - 0.8, 0.8)  # a hair of background between neighbours
    tip = f"<title>{_text(label)}</title>"
    paint = _paint(colour)
    bar = f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="2" {paint}>{tip}</rect>'
    name = cut(label, int((width - 6) / _LETTER_PX)) if height > 20 else ""
    if cell_width(name) < min(3, cell_width(printable(label))):
        return bar
    return f'{bar}<text class="ink" x="{x + 5:.1f}" y="{y + height / 2 + 4.5:.1f}">{_text(name)}</text>'


def _curve(
    predictions: Sequence[Prediction], start_s: float, length_s: float, track_px: float, px_per_s: float, top_px: float
) -> Iterator[str]:
    """Confidence of the label as a step curve, 0 at the bottom, 1 at the top; grey where the label is unknown."""
    base = top_px + _CURVE_PX - 4
    scale = _CURVE_PX - 8
    yield _row_name("confidence", top_px + _CURVE_PX / 2)
    for level in (0.0, 0.5, 1.0):
        y = base - level * scale
        yield f'<line class="grid" x1="{_LEFT_PX}" y1="{y:.1f}" x2="{_LEFT_PX + track_px:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="soft small" x="{_LEFT_PX + track_px + 4:.1f}" y="{y + 3.5:.1f}">{level:g}</text>'
    runs: list[tuple[bool, list[str]]] = []
    for p in predictions:
        left_s, right_s = p.start_ns / NS_PER_S - start_s, p.end_ns / NS_PER_S - start_s
        left_s, right_s = max(left_s, 0.0), min(right_s, length_s, track_px / px_per_s)
        if right_s <= left_s or not math.isfinite(p.confidence):
            continue
        y = base - min(max(p.confidence, 0.0), 1.0) * scale
        points = [f"{_LEFT_PX + at_s * px_per_s:.1f},{y:.1f}" for at_s in (left_s, right_s)]
        if runs and runs[-1][0] == p.unknown:
            runs[-1][1].extend(points)
        else:
            # Start where the last run ended, so that the curve has no holes.
            runs.append((p.unknown, ([runs[-1][1][-1]] if runs else []) + points))
    for unknown, line in runs:
        yield f'<polyline class="{"unsure" if unknown else "curve"}" points="{" ".join(line)}"/>'


def _axis(
    start_s: float, length_s: float, track_px: float, px_per_s: float, top_px: float, bottom_px: float
) -> Iterator[str]:
    step_s = next(step for step in (1, 2, 5, 10, 30, 60, 120, 300, 600, 3600) if length_s / step <= 16 or step == 3600)
    for tick in range(math.ceil(start_s / step_s), int((start_s + track_px / px_per_s) / step_s + 1e-9) + 1):
        x = _LEFT_PX + (tick * step_s - start_s) * px_per_s
        yield f'<line class="grid" x1="{x:.1f}" y1="{top_px}" x2="{x:.1f}" y2="{bottom_px + 4}"/>'
        minutes, seconds = divmod(tick * step_s, 60)
        yield f'<text class="soft" x="{x:.1f}" y="{bottom_px + 18}" text-anchor="middle">{minutes}:{seconds:02d}</text>'


def _legend(order: Sequence[str], colours: dict[str, str], top_px: float) -> tuple[list[str], float]:
    """Colour chips with their labels, as many lines as needed, and the height that they take."""
    parts, x, y = [], float(_LEFT_PX), top_px
    for label in order:
        name = cut(label, 30)
        width = 24 + cell_width(name) * _LETTER_PX + 14
        if x + width > _WIDTH_PX - _RIGHT_PX and x > _LEFT_PX:
            x, y = float(_LEFT_PX), y + 22
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="14" height="14" rx="2" {_paint(colours[label])}/>')
        parts.append(f'<text x="{x + 20:.1f}" y="{y + 11.5}">{_text(name)}</text>')
        x += width
    return parts, y - top_px + (32 if order else 0)


def _paint(colour: str) -> str:
    # Grey recedes into the page, so it differs between light and dark pages; label colours serve both.
    return 'class="neutral"' if colour == NEUTRAL_COLOUR else f'fill="{colour}"'


def _text(text: str) -> str:
    return escape(printable(text))
