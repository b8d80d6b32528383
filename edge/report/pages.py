"""What stands in a report, in order: the HTML page and the Markdown file are written from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.annotations.label_map import Mapped
from edge.bundle import Bundle
from edge.contract import MODES
from edge.report.data import figures_of, total_of
from edge.report.moments import WorstMoment, worst_moments
from edge.report.reliability_svg import reliability_svg
from edge.report.table import Table
from edge.report.tables import clip_table, confusion_table, segment_table, side_by_side, stream_table, word_table
from edge.timeline import timeline_svg
from edge.verify.played import Played


@dataclass(frozen=True)
class ClipPart:
    """One clip in one precision."""

    title: str
    timeline: str
    """SVG text."""
    stages: str
    notes: tuple[str, ...]
    segments: Table


@dataclass(frozen=True)
class Pages:
    """The content of a report."""

    bundle: str
    tables: tuple[Table, ...]
    worst: tuple[WorstMoment, ...]
    worst_of: str
    """The precision that the worst moments are of."""
    clips: tuple[ClipPart, ...]
    reliability: Mapping[str, str] = field(default_factory=dict)
    """Precision -> SVG text."""


def pages(played: Mapping[str, Sequence[Played]], bundle: Bundle, mapped: Mapped | None) -> Pages:
    """Lay out everything that there is to say."""
    several = len(played) > 1
    figures = {name: f for name, runs in played.items() if (f := figures_of(runs)) is not None}
    tables: list[Table | None] = [side_by_side(figures)] if figures else []
    for name, runs in played.items():
        total, suffix = total_of(runs), f", {name}" if several else ""
        if total is not None:
            tables += [clip_table(runs, total, suffix), confusion_table(total, suffix)]
        tables.append(stream_table(runs, total, suffix))
    if mapped is not None:
        tables.append(word_table(mapped))
    first = next(iter(played), "")
    return Pages(
        bundle=bundle.describe(),
        tables=tuple(table for table in tables if table is not None),
        worst=tuple(worst_moments(played[first])) if played else (),
        worst_of=first if several else "",
        clips=tuple(_clip(run, f", {name}" if several else "") for name, runs in played.items() for run in runs),
        reliability={name: reliability_svg(f.reliability) for name, f in figures.items()},
    )


def _clip(run: Played, suffix: str) -> ClipPart:
    stages = run.result.telemetry.stage_ms
    notes = list(run.result.notes)
    if run.score is not None and any(mode.missing for mode in run.score.modes):
        missing = (f"{mode} {m.missing}" for mode, m in zip(MODES, run.score.modes, strict=True) if m.missing)
        notes.append(f"rows not counted because the modality was missing: {', '.join(missing)}")
    return ClipPart(
        title=run.result.title + suffix,
        timeline=timeline_svg(run.result, run.truth.segments if run.truth is not None else ()),
        stages=", ".join(f"{name} {ms:.1f}" for name, ms in stages.items()) if stages else "none",
        notes=tuple(notes),
        segments=segment_table(run),
    )
