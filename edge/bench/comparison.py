"""Two reports of the same kind: what got faster and what got slower, as ratios with their spread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from edge.bench.bounds import busy_warning
from edge.bench.engine_tables import milliseconds
from edge.bench.ratio import Ratio, unpaired_ratio
from edge.bench.table import Table
from edge.errors import UsageError

SMALL = 0.02
"""Ratios nearer to 1 than this are called the same, however sure they are."""
_SAME_MACHINE = ("processor", "cores", "board", "power_mode", "gpu")


@dataclass(frozen=True)
class Change:
    """One thing that both reports measured."""

    name: str
    old_ms: float
    new_ms: float
    ratio: Ratio
    """Times as fast as before."""

    @property
    def verdict(self) -> str:
        """'faster', 'slower', or 'same' where the spread holds 1 or the change is small."""
        if self.ratio.low > 1 + SMALL:
            return "faster"
        return "slower" if self.ratio.high < 1 - SMALL else "same"


def compare_reports(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Medians of engines, and label ages of pipelines, that both have; in the new one's order.

    Raises:
        UsageError: they have nothing in common.
    """
    before = dict(_measured(old))
    changes = [
        Change(name, median(before[name]), median(ms), unpaired_ratio(before[name], ms))
        for name, ms in _measured(new)
        if name in before
    ]
    if not changes:
        raise UsageError("--compare: the two reports measured nothing alike; use the same options for both")
    return changes


def comparison_table(changes: list[Change]) -> Table:
    """A row a change, with its interval in words that a person reads."""
    table = Table(("<what", "before ms", "now ms", "<times as fast [95 %]", "<verdict"))
    for change in changes:
        table.add(
            change.name, milliseconds(change.old_ms), milliseconds(change.new_ms), str(change.ratio), change.verdict
        )
    return table


def comparison_notes(old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> list[str]:
    """What makes the comparison doubtful."""
    notes = []
    differing = [name for name in _SAME_MACHINE if old["machine"].get(name) != new["machine"].get(name)]
    if differing:
        notes.append(
            f"{path.name} was measured on another machine ({', '.join(differing)} differ): compare their ratios only"
        )
    for name, report in ((path.name, old), ("this run", new)):
        if (busy := busy_warning(report.get("foreign_load"))) is not None:
            notes.append(f"{name}: {busy}")
    return notes


def _measured(report: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """Name -> medians of rounds or stretches, in ms."""
    for bench in report["engines"]:
        threads = f" {bench['threads']} threads" if bench["threads"] else ""
        yield f"{bench['engine']} {bench['backend']} {bench['precision']}{threads}", bench["round_medians_ms"]
    for bench in report["pipeline"]:
        yield f"label age {bench['precision']} {bench['threads']} threads", bench["ages"]["stretch_medians_ms"]
