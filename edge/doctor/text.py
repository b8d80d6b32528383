"""The doctor's findings as lines of text, 80 columns wide, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from edge.doctor.finding import Finding, Group, State
from edge.text import cell_width, printable

_WIDTH = 80
_NAME_CELLS = 17
_MARKS: dict[State, str] = {"ok": "ok", "warning": "warn", "broken": "FAIL", "unknown": "?"}
_COLOURS: dict[State, str] = {"ok": "\x1b[32m", "warning": "\x1b[33m", "broken": "\x1b[31m", "unknown": "\x1b[35m"}
_PLAIN = "\x1b[0m"


def is_ready(groups: Sequence[Group]) -> bool:
    """Whether `egoact live` would work."""
    return not any(finding.state == "broken" for finding in _all(groups))


def report_lines(groups: Sequence[Group], *, colour: bool) -> list[str]:
    """A heading a group, a line a finding, the command that mends it below, and the verdict at the end."""
    lines: list[str] = []
    for group in groups:
        lines.append(group.title)
        for finding in group.findings:
            lines += _finding(finding, colour)
        lines.append("")
    return [*lines, _verdict(groups)]


def _finding(finding: Finding, colour: bool) -> Iterator[str]:
    mark = f"{_MARKS[finding.state]:<4}"
    if colour:
        mark = f"{_COLOURS[finding.state]}{mark}{_PLAIN}"
    indent = " " * (8 + _NAME_CELLS)
    name = printable(finding.name)
    name += " " * (_NAME_CELLS - cell_width(name))
    first, *rest = textwrap.wrap(
        printable(finding.value), _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False
    ) or [""]
    yield f"  {mark}  {name}{first}"
    yield from (indent + line for line in rest)
    if finding.mend and finding.state != "ok":
        # A command is for copying: it stands alone in its line and is never cut.
        yield f"        -> {finding.mend}"


def _verdict(groups: Sequence[Group]) -> str:
    broken = [finding.name for finding in _all(groups) if finding.state == "broken"]
    warnings = sum(finding.state == "warning" for finding in _all(groups))
    said = {0: "nothing to warn of", 1: "1 warning"}.get(warnings, f"{warnings} warnings")
    if broken:
        return f"egoact live would not work: mend {', '.join(dict.fromkeys(broken))} first; {said}"
    return f"egoact live would work; {said}"


def report_data(groups: Sequence[Group]) -> dict[str, object]:
    """{"ready", "groups": [{"title", "findings": [{"name", "state", "value", "mend"}]}]}."""
    return {
        "ready": is_ready(groups),
        "groups": [
            {
                "title": group.title,
                "findings": [
                    {"name": f.name, "state": f.state, "value": f.value, "mend": f.mend} for f in group.findings
                ],
            }
            for group in groups
        ],
    }


def _all(groups: Sequence[Group]) -> list[Finding]:
    return [finding for group in groups for finding in group.findings]
