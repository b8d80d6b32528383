"""report.md: what the HTML page says, without pictures but the timelines, which are files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.contract import NS_PER_S
from edge.plain import clock_text, percent
from edge.report.pages import Pages
from edge.report.table import Table, markdown, table_markdown


def report_markdown(content: Pages, pictures: Sequence[str]) -> str:
    """Text of report.md; `pictures` are the file names of the timelines, one a clip."""
    lines = ["# egoact report", "", f"Bundle: {markdown(content.bundle)}", ""]
    for table in content.tables:
        lines += table_markdown(table)
    if content.worst:
        lines += table_markdown(_worst(content))
    for clip, picture in zip(content.clips, pictures, strict=True):
        lines += [f"## {markdown(clip.title)}", "", f"![What egoact said over time]({picture})", ""]
        lines += [f"Stages (median ms): {clip.stages}.", ""]
        lines += [*(f"- {markdown(note)}" for note in clip.notes), *([""] if clip.notes else [])]
        lines += _folded(clip.segments)
    return "\n".join(lines) + "\n"


def _worst(content: Pages) -> Table:
    rows = tuple(
        (
            m.clip,
            f"{clock_text(m.start_ns / NS_PER_S)} - {clock_text(m.end_ns / NS_PER_S)}",
            m.truth,
            m.said,
            percent(m.confidence),
        )
        for m in content.worst
    )
    title = f"Worst moments, {content.worst_of}" if content.worst_of else "Worst moments"
    note = "Wrong labels that were said the longest and the surest."
    return Table(title, ("clip", "time", "annotated", "said", "confidence"), rows, note)


def _folded(table: Table) -> Iterator[str]:
    if table.rows:
        yield from ("<details><summary>Segments</summary>", "", *table_markdown(table), "</details>", "")
