"""Writing a table: Markdown, CSV, a picture and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import EgoactError
from edge.whole_file import why, write_whole_file
from trainer.tables.hypotheses import as_json as hypothesis_json
from trainer.tables.layout import Layout
from trainer.tables.markdown import table_markdown
from trainer.tables.mechanisms import mechanisms
from trainer.tables.notes import notes
from trainer.tables.panels import Grid, Scores, panels
from trainer.tables.plot import table_svg
from trainer.tables.source import Source
from trainer.tables.summary import as_json, summarise
from trainer.tables.table_csv import runs_csv, summary_csv


@dataclass(frozen=True)
class Report:
    """One finished table."""

    markdown: str
    json: Mapping[str, Any]
    files: Mapping[str, str]
    """Name -> text of everything that is written, the Markdown among it."""


def report(table: Layout, grid: Grid, scores: Scores, source: Source, training: str) -> Report:
    """What follows from the scores of the table's runs (`panels.needed_runs`); `training` is said in the notes."""
    found = panels(table, grid, scores)
    summaries = [summarise(panel) for panel in found]
    hypotheses = mechanisms(table.number, grid, scores)
    told = notes(table, source.kind, source.description, training, grid, scores)
    name = f"table-{table.number}"
    markdown = table_markdown(table.number, table.title, summaries, hypotheses, told, f"{name}.svg")
    files = {
        f"{name}.md": markdown,
        f"{name}.csv": summary_csv(table.number, summaries),
        f"{name}-runs.csv": runs_csv(table.number, found, grid.seeds),
        f"{name}.svg": table_svg(f"Table {table.number}: {table.title}", summaries),
    }
    values = {
        "table": table.number,
        "title": table.title,
        "seeds": list(grid.seeds),
        "panels": [as_json(summary) for summary in summaries],
        "hypotheses": [hypothesis_json(hypothesis) for hypothesis in hypotheses],
        "notes": told,
    }
    return Report(markdown, values, files)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Raises EgoactError when the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_whole_file(folder / name, text.encode())
    except OSError as problem:
        raise EgoactError(
            f"{problem.filename or folder}: cannot be written ({why(problem)}); make room and give the command again:"
            " finished runs are kept"
        ) from None
