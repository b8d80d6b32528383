"""The figures of a verification as lines for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator

from edge.annotations.label_map import Mapped
from edge.plain import decimal, percent
from edge.verify.figures import Figures

_MOST_WORDS = 12


def verification_lines(figures: Figures) -> Iterator[str]:
    """What `edge.plain.score_lines` does not say."""
    rows, streaming = figures.modes["all"], figures.streaming_segments
    yield (
        f"  classes     mean class accuracy {percent(rows.mean_class_accuracy)}, calibration error "
        f"{decimal(rows.calibration_error, 3)}, mAP {decimal(figures.segments.mean_average_precision['mean'], 3)}"
    )
    delay_s = figures.announcement_delay_s
    told = "" if delay_s is None else f"; announced {delay_s:.1f} s after the start"
    yield (
        f"  streaming   actions {percent(figures.streaming_action_accuracy)}, segments F1 {decimal(streaming.f1)}, "
        f"mAP {decimal(streaming.mean_average_precision['mean'], 3)}{told}"
    )
    unknown = figures.unknown
    if unknown.unknown_rows:
        scores = ", ".join(f"{name} AUROC {decimal(value, 3)}" for name, value in unknown.auroc.items())
        yield f"  unknown     {unknown.unknown_rows} rows against {unknown.known_rows}: {scores}"


def mapping_lines(mapped: Mapped) -> Iterator[str]:
    """What became of the words of an annotation; nothing when all of them are labels."""
    if mapped.renamed:
        yield f"annotation: {sum(mapped.renamed.values())} actions renamed by a label map ({mapped.format})"
    if mapped.unmapped:
        words = sorted(mapped.unmapped.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{word} {n}" for word, n in words[:_MOST_WORDS])
        more = f" and {len(words) - _MOST_WORDS} more words" if len(words) > _MOST_WORDS else ""
        yield f"annotation: {sum(mapped.unmapped.values())} actions have no label: {told}{more}"
    if mapped.left_out:
        yield f"annotation: {sum(mapped.left_out.values())} actions left out by the label map"
    for note in mapped.notes:
        yield f"annotation: {note}"
