"""A table as data, so that the HTML page and the Markdown file show the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from edge.text import printable


@dataclass(frozen=True)
class Table:
    """Cells are text from outside or figures; both pages escape them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """How to read it, in a sentence or two."""
    diagonal: bool = False
    """A confusion matrix: its diagonal is right."""


def table_markdown(table: Table) -> Iterator[str]:
    """Lines; the title is a heading."""
    if table.title:
        yield from (f"## {table.title}", "")
    if table.note:
        yield from (table.note, "")
    yield _row([markdown(name) for name in table.columns])
    yield "|" + "---|" * len(table.columns)
    for number, row in enumerate(table.rows):
        cells = [markdown(cell) for cell in row]
        if table.diagonal and cells[number + 1]:
            cells[number + 1] = f"**{cells[number + 1]}**"
        yield _row(cells)
    yield ""


def table_html(table: Table) -> Iterator[str]:
    """Lines; the first column is the head of its row, the others are figures."""
    if table.title:
        yield f"<h2>{html(table.title)}</h2>"
    if table.note:
        yield f"<p>{html(table.note)}</p>"
    yield f'<div class="wide"><table{" class=confusion" if table.diagonal else ""}><thead><tr>'
    yield "".join(f"<th>{html(name)}</th>" for name in table.columns) + "</tr></thead><tbody>"
    for number, row in enumerate(table.rows):
        head, *cells = row
        told = [f"<td{_shade(table, number, place)}>{html(cell)}</td>" for place, cell in enumerate(cells)]
        yield f"<tr><th>{html(head)}</th>{''.join(told)}</tr>"
    yield "</tbody></table></div>"


def markdown(text: str) -> str:
    """Text from outside as Markdown that shows it letter by letter: no markup, no HTML, no table breaks."""
    return re.sub(r"([\\`*_\[\]<>|~&$])", r"\\\1", printable(text))


def html(text: str) -> str:
    """Text from outside as HTML that shows it letter by letter."""
    return escape(printable(text))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shade(table: Table, number: int, place: int) -> str:
    """A confusion's cell in the strength of its share of the row."""
    if not table.diagonal:
        return ""
    counts = [int(cell or 0) for cell in table.rows[number][1:]]
    share = counts[place] / max(1, sum(counts))
    kind = "right" if table.columns[place + 1] == table.rows[number][0] else "wrong"
    return f' class="{kind}" style="--share:{share:.2f}"' if share else ""
