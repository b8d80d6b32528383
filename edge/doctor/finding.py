"""What a check says, and running checks so that none of them can stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from edge.doctor.host import Host
from edge.text import printable

State = Literal["ok", "warning", "broken", "unknown"]
"""'broken': `egoact live` cannot work. 'warning': it works, but worse than it could. 'unknown': not checked."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table."""

    name: str
    state: State
    value: str
    """What was found, in words."""
    mend: str | None = None
    """The one command that mends it."""


class Check(NamedTuple):
    """A check under the heading of its group."""

    group: str
    name: str
    """Stands in the table when the check itself fails."""
    find: Callable[[Host], Sequence[Finding]]


@dataclass(frozen=True)
class Group:
    """The findings under one heading."""

    title: str
    findings: tuple[Finding, ...]


def run_checks(checks: Sequence[Check], host: Host) -> tuple[Group, ...]:
    """All findings, grouped in the order of the checks; a check that throws becomes an 'unknown' finding."""
    groups: dict[str, list[Finding]] = {}
    for check in checks:
        groups.setdefault(check.group, []).extend(_guarded(check, host))
    return tuple(Group(title, tuple(findings)) for title, findings in groups.items() if findings)


def _guarded(check: Check, host: Host) -> Sequence[Finding]:
    try:
        return check.find(host)
    except Exception as error:  # whatever it is, the other checks must still run
        reason = printable(str(error)) or type(error).__name__
        return [Finding(check.name, "unknown", f"could not be checked: {reason}")]
