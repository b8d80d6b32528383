"""A table as aligned text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.text import cell_width, printable


@dataclass
class Table:
    """Columns whose names begin with '<' are aligned to the left, the others to the right."""

    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def text(self, indent: str = "") -> list[str]:
        """Lines as narrow as the cells allow; none without rows."""
        if not self.rows:
            return []
        names = [name.lstrip("<") for name in self.columns]
        lines = [names, *([printable(cell) for cell in row] for row in self.rows)]
        widths = [max(cell_width(line[at]) for line in lines) for at in range(len(names))]
        return [
            indent + "  ".join(self._aligned(at, cell, widths[at]) for at, cell in enumerate(line)).rstrip()
            for line in lines
        ]

    def markdown(self) -> list[str]:
        """Lines of a pipe table; none without rows."""
        if not self.rows:
            return []
        head = "| " + " | ".join(name.lstrip("<") for name in self.columns) + " |"
        rule = "|" + "|".join("---" if name.startswith("<") else "---:" for name in self.columns) + "|"
        return [head, rule, *("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in self.rows)]

    def _aligned(self, at: int, cell: str, width: int) -> str:
        space = " " * (width - cell_width(cell))
        return cell + space if self.columns[at].startswith("<") else space + cell


def _escaped(cell: str) -> str:
    return printable(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
