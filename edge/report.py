"""The report of one or many runs: `report.md` with tables and a timeline picture a clip, and `report.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.contract import MODES, NS_PER_S, RunResult, Segment
from edge.errors import EgoactError
from edge.plain import PACE_WORDS, clock_text, decimal, percent
from edge.score import SEGMENT_IOU, Score, merge
from edge.text import printable
from edge.timeline import timeline_svg

_FRAME_COUNTERS = ("captured_frames", "used_frames", "dropped_frames")


def write_report(
    directory: Path | str,
    results: Sequence[RunResult],
    scores: Sequence[Score | None],
    bundle_line: str,
    truths: Sequence[Sequence[Segment]] = (),
) -> Path:
    """Write the report into `directory` (made when it is missing) and return the path of report.md.

    `scores` has one entry a result, None for a clip without annotation; `truths`, when given, has the annotated
    segments of each clip for its picture.

    Raises:
        EgoactError: the directory cannot be made or a file in it cannot be written.
    """
    if len(scores) != len(results) or (truths and len(truths) != len(results)):
        raise ValueError("results, scores and truths must have one entry a clip each")
    known = [score for score in scores if score is not None]
    total = merge(known) if known else None
    pictures = [f"timeline-{index:02d}-{_slug(result.clip)}.svg" for index, result in enumerate(results, start=1)]
    lines = [*_head(results, scores, total, bundle_line), *_streams(results, total)]
    if total is not None:
        lines += [*_confusion(total)]
    for result, score, picture in zip(results, scores, pictures, strict=True):
        lines += [*_clip(result, score, picture)]
    data = report_data(results, scores, bundle_line)
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, (result, picture) in enumerate(zip(results, pictures, strict=True)):
            svg = timeline_svg(result, truths[index] if truths else ())
            (folder / picture).write_text(svg, encoding="utf-8")
        (folder / "report.json").write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise EgoactError(f"{where}: the report cannot be written: {error.strerror}; name another directory") from error
    return folder / "report.md"


def report_data(results: Sequence[RunResult], scores: Sequence[Score | None], bundle_line: str) -> dict[str, object]:
    """What report.json holds, as plain JSON values; `scores` has one entry a result."""
    known = [score for score in scores if score is not None]
    return {
        "bundle": bundle_line,
        "clips": [_clip_json(result, score) for result, score in zip(results, scores, strict=True)],
        "total": merge(known).to_json() if known else None,
    }


def _head(
    results: Sequence[RunResult], scores: Sequence[Score | None], total: Score | None, bundle_line: str
) -> Iterator[str]:
    yield from ("# egoact report", "", f"Bundle: {_md(bundle_line)}", "")
    if total is not None:
        chance, majority = percent(total.chance), percent(total.majority_action_accuracy)
        yield "Accuracy by rows (one a hop; the truth is the annotated label at the middle of the row's stretch)."
        yield f"By chance: {chance}; always the most frequent action: {majority}."
        yield ""
    if total is not None:
        columns = ["clip", *(f"actions: {mode}" for mode in MODES), "action rows", "all rows: all", "all rows"]
        yield from _table_head([*columns, "segment F1", "precision", "recall", "said", "annotated", "edits/min"])
        for result, score in zip(results, scores, strict=True):
            yield _row([_md(result.clip), *_score_cells(score)])
        if len(results) > 1:
            yield _row(["**total**", *_score_cells(total)])
        yield ""
        yield f"A segment is found at IoU of at least {SEGMENT_IOU} with the right label. Edits: insertions, deletions"
        yield "and changes that turn the order of the labels said into the order annotated."
        if total.foreign_labels:
            names = ", ".join(_md(label) for label in total.foreign_labels)
            yield f"Annotated labels that the bundle does not know (their rows count as wrong): {names}."
        yield ""


def _streams(results: Sequence[RunResult], total: Score | None) -> Iterator[str]:
    yield from ("## Streams", "")
    columns = ["clip", "length", "pace", "rows", "frames captured", "used", "dropped"]
    yield from _table_head([*columns, "label age p50 / p95 / p99 (ms)", "memory (MB)"])
    for r in results:
        t = r.telemetry
        frames = [getattr(t, name) for name in _FRAME_COUNTERS]
        pace = PACE_WORDS[r.pace]
        yield _row(
            [_md(r.clip), clock_text(r.duration_s), pace, t.rows, *frames, _age(t.label_age_ms), f"{t.memory_mb:.0f}"]
        )
    if len(results) > 1:
        length = clock_text(sum(r.duration_s for r in results))
        rows = sum(r.telemetry.rows for r in results)
        frames = [sum(getattr(r.telemetry, name) for r in results) for name in _FRAME_COUNTERS]
        yield _row(["**total**", length, "", rows, *frames, _age(total.label_age_ms if total else None), ""])
    yield ""


def _score_cells(score: Score | None) -> list[str]:
    if score is None:
        return ["-"] * 12
    first = score.modes[0]
    return [
        *(percent(mode.action_accuracy) for mode in score.modes),
        str(first.action_rows),
        percent(first.accuracy) if score.background_label is not None else "n/a",
        str(first.rows),
        decimal(score.segment_f1),
        decimal(score.precision),
        decimal(score.recall),
        str(score.said_segments),
        str(score.truth_segments),
        decimal(score.edits_per_minute, 1),
    ]


def _confusion(total: Score) -> Iterator[str]:
    """Truth down, said across; only labels that occur."""
    names, counts = total.all_labels, total.confusion
    rows = [i for i in range(len(names)) if any(counts[i])]
    columns = [j for j in range(len(names)) if any(row[j] for row in counts)]
    if not rows:
        return
    yield from ("## Confusion", "", "Annotated label down, label said by all modalities across, in rows.", "")
    yield from _table_head(["", *(_md(names[j]) for j in columns)])
    for i in rows:
        cells = [f"**{counts[i][j]}**" if i == j else str(counts[i][j] or "") for j in columns]
        yield _row([_md(names[i]), *cells])
    yield ""


def _clip(result: RunResult, score: Score | None, picture: str) -> Iterator[str]:
    yield from (f"## {_md(result.title)}", "", f"![What egoact said over time]({picture})", "")
    yield f"Stages (median ms): {_stages(result)}."
    yield ""
    if score is not None and any(mode.missing for mode in score.modes):
        missing = ", ".join(f"{mode} {m.missing}" for mode, m in zip(MODES, score.modes, strict=True) if m.missing)
        yield from (f"Rows not counted because the modality was missing: {missing}.", "")
    if result.notes:
        yield from (*(f"- {_md(note)}" for note in result.notes), "")
    if result.segments:
        yield from ("<details><summary>Segments</summary>", "", *_table_head(["start", "end", "label", "confidence"]))
        for s in result.segments:
            start, end = clock_text(s.start_ns / NS_PER_S), clock_text(s.end_ns / NS_PER_S)
            yield _row([start, end, _md(s.label), percent(s.confidence)])
        yield from ("", "</details>", "")


def _clip_json(result: RunResult, score: Score | None) -> dict[str, object]:
    age = result.telemetry.label_age_ms
    return {
        "clip": result.clip,
        "title": result.title,
        "duration_s": round(result.duration_s, 3),
        "pace": result.pace,
        "frames": {name.removesuffix("_frames"): getattr(result.telemetry, name) for name in _FRAME_COUNTERS},
        "label_age_ms": age and {name: round(ms, 1) for name, ms in zip(("p50", "p95", "p99"), age, strict=True)},
        "notes": list(result.notes),
        "segments": [
            {
                "start_s": round(s.start_ns / NS_PER_S, 3),
                "end_s": round(s.end_ns / NS_PER_S, 3),
                "label": s.label,
                "confidence": round(s.confidence, 4),
            }
            for s in result.segments
        ],
        "score": score and score.to_json(),
    }


def _stages(result: RunResult) -> str:
    stages = result.telemetry.stage_ms
    return ", ".join(f"{name} {ms:.1f}" for name, ms in stages.items()) if stages else "none"


def _age(age_ms: tuple[float, float, float] | None) -> str:
    return " / ".join(f"{value:.0f}" for value in age_ms) if age_ms else "-"


def _table_head(columns: Sequence[str]) -> tuple[str, str]:
    return _row(columns), "|" + "---|" * len(columns)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _md(text: str) -> str:
    """Text from outside as Markdown that shows it letter by letter: no markup, no HTML, no table breaks."""
    return re.sub(r"([\\`*_\[\]<>|~&$])", r"\\\1", printable(text))


def _slug(name: str) -> str:
    """A file name's stem as a safe part of another file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition(".")[0] or name)[:60].strip("-") or "clip"
