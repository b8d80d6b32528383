"""What a report tells in tables: precisions side by side, clips, streams, confusion, the words of the annotation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from edge.annotations.label_map import Mapped
from edge.contract import MODES, NS_PER_S
from edge.plain import PACE_WORDS, clock_text, decimal, percent
from edge.report.table import Table
from edge.score import SEGMENT_IOU, Score
from edge.verify.figures import Figures, SegmentFigures
from edge.verify.played import Played

_FRAME_COUNTERS = ("captured_frames", "used_frames", "dropped_frames")
Told = Callable[[Figures], str]


def side_by_side(figures: Mapping[str, Figures]) -> Table:
    """One column a precision, one row a figure."""
    some_unknown = any(f.unknown.unknown_rows for f in figures.values())
    rows = [(name, *(told(f) for f in figures.values())) for name, told in _figure_rows(some_unknown)]
    note = (
        "Rows: one a hop, judged at the middle of the stretch that it speaks for, over actions that the bundle has a "
        f"label for. A segment is found at IoU of at least {SEGMENT_IOU} with the right label. Streaming: a label "
        "counts only from when it was emitted; rows by what was on the screen, segments from their announcement on. "
        "Label age: measured at real pace, estimated from the stage times where clips were replayed as fast as "
        "possible. Unknown rows: actions without a label, and background where the bundle has no label for it."
    )
    return Table("Figures", ("", *figures), tuple(rows), note)


def _figure_rows(some_unknown: bool) -> Iterator[tuple[str, Told]]:
    for mode in MODES:
        yield f"actions right, {mode}", lambda f, m=mode: percent(f.modes[m].action_accuracy)  # type: ignore[misc]
    yield "all rows right", lambda f: percent(f.modes["all"].accuracy)
    yield "mean class accuracy", lambda f: percent(f.modes["all"].mean_class_accuracy)
    for mode in MODES:
        yield f"annotated segments right, {mode}", lambda f, m=mode: percent(f.modes[m].segment_accuracy)  # type: ignore[misc]
    yield "the same, mean over classes", lambda f: percent(f.modes["all"].segment_mean_class_accuracy)
    yield "calibration error", lambda f: decimal(f.modes["all"].calibration_error, 3)
    yield from _segment_rows("", lambda f: f.segments)
    yield "edits a minute", lambda f: decimal(f.edits_per_minute, 1)
    yield "streaming: actions right", lambda f: percent(f.streaming_action_accuracy)
    yield "streaming: all rows right", lambda f: percent(f.streaming_accuracy)
    yield from _segment_rows("streaming: ", lambda f: f.streaming_segments)
    yield "announced after the start of the action (median)", lambda f: _unit(f.announcement_delay_s, "s")
    for place, name in enumerate(("p50", "p95", "p99")):
        yield f"label age {name}", lambda f, i=place: _unit(f.label_age_ms and f.label_age_ms[i], "ms", 0)  # type: ignore[misc]
    if not some_unknown:
        return
    yield "unknown: rows", lambda f: f"{f.unknown.unknown_rows} of {f.unknown.unknown_rows + f.unknown.known_rows}"
    for score in ("confidence", "familiarity"):
        yield f"unknown by {score}: AUROC", lambda f, s=score: decimal(f.unknown.auroc[s], 3)  # type: ignore[misc]
        yield f"unknown by {score}: FPR95", lambda f, s=score: decimal(f.unknown.fpr95[s], 3)  # type: ignore[misc]


def _segment_rows(prefix: str, part: Callable[[Figures], SegmentFigures]) -> Iterator[tuple[str, Told]]:
    yield f"{prefix}segment F1", lambda f: decimal(part(f).f1)
    yield f"{prefix}precision", lambda f: decimal(part(f).precision)
    yield f"{prefix}recall", lambda f: decimal(part(f).recall)
    yield (
        f"{prefix}mAP at IoU 0.1 / 0.2 / 0.3 / 0.4 / 0.5",
        lambda f: " / ".join(decimal(v) for k, v in part(f).mean_average_precision.items() if k != "mean"),
    )
    yield f"{prefix}mAP, mean", lambda f: decimal(part(f).mean_average_precision["mean"], 3)
    yield (
        f"{prefix}seconds of action right",
        lambda f: f"{part(f).seconds_right:.1f} of {part(f).annotated_seconds:.1f}",
    )


def clip_table(runs: Sequence[Played], total: Score, name: str) -> Table:
    """Accuracy and segments of each clip, and of all."""
    columns = ["clip", *(f"actions: {mode}" for mode in MODES), "action rows", "all rows: all", "all rows"]
    columns += ["segment F1", "precision", "recall", "said", "annotated", "edits/min"]
    rows = [(run.result.clip, *_score_cells(run.score)) for run in runs]
    if len(runs) > 1:
        rows.append(("total", *_score_cells(total)))
    note = (
        f"By chance: {percent(total.chance)}; always the most frequent action: "
        f"{percent(total.majority_action_accuracy)}."
    )
    if total.foreign_labels:
        names = ", ".join(total.foreign_labels)
        note += f" Annotated labels that the bundle does not know (their rows count as wrong here): {names}."
    return Table(f"Clips{name}", tuple(columns), tuple(rows), note)


def stream_table(runs: Sequence[Played], total: Score | None, name: str) -> Table:
    """Lengths, frames, label age, memory."""
    columns = ("clip", "length", "pace", "rows", "frames captured", "used", "dropped", "label age p50 / p95 / p99 (ms)")
    results = [run.result for run in runs]
    rows = [
        (
            r.clip,
            clock_text(r.duration_s),
            PACE_WORDS[r.pace],
            str(r.telemetry.rows),
            *(str(getattr(r.telemetry, counter)) for counter in _FRAME_COUNTERS),
            _age(r.telemetry.label_age_ms),
            f"{r.telemetry.memory_mb:.0f}",
        )
        for r in results
    ]
    if len(results) > 1:
        frames = [str(sum(getattr(r.telemetry, counter) for r in results)) for counter in _FRAME_COUNTERS]
        length = clock_text(sum(r.duration_s for r in results))
        count = str(sum(r.telemetry.rows for r in results))
        rows.append(("total", length, "", count, *frames, _age(total.label_age_ms if total else None), ""))
    return Table(f"Streams{name}", (*columns, "memory (MB)"), tuple(rows))


def confusion_table(total: Score, name: str) -> Table | None:
    """Truth down, said across; only labels that occur. None without rows."""
    names, counts = total.all_labels, total.confusion
    used = [i for i in range(len(names)) if any(counts[i]) or any(row[i] for row in counts)]
    if not used:
        return None
    rows = tuple((names[i], *(str(counts[i][j] or "") for j in used)) for i in used)
    note = "Annotated label down, label said by all modalities across, in rows."
    return Table(f"Confusion{name}", ("", *(names[j] for j in used)), rows, note, diagonal=True)


def word_table(mapped: Mapped) -> Table | None:
    """What became of the annotators' words; None when every word is a label itself."""
    rows = [(word, label, str(n)) for (word, label), n in _by_count(mapped.renamed)]
    rows += [(word, "(left out)", str(n)) for word, n in _by_count(mapped.left_out)]
    rows += [(word, "(no label)", str(n)) for word, n in _by_count(mapped.unmapped)]
    note = "Actions for which the bundle has no label are the unknown ones; with --label-map they can be named."
    return Table("Words of the annotation", ("word", "label", "actions"), tuple(rows), note) if rows else None


def segment_table(run: Played) -> Table:
    """A row a segment: start, end, label, confidence."""
    rows = tuple(
        (clock_text(s.start_ns / NS_PER_S), clock_text(s.end_ns / NS_PER_S), s.label, percent(s.confidence))
        for s in run.result.segments
    )
    return Table("", ("start", "end", "label", "confidence"), rows)


def _by_count(counts: Mapping) -> list:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _score_cells(score: Score | None) -> tuple[str, ...]:
    if score is None:
        return ("-",) * 12
    first = score.modes[0]
    return (
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
    )


def _age(age_ms: tuple[float, float, float] | None) -> str:
    return " / ".join(f"{value:.0f}" for value in age_ms) if age_ms else "-"


def _unit(value: float | None, unit: str, digits: int = 1) -> str:
    return "n/a" if value is None else f"{value:.{digits}f} {unit}"
