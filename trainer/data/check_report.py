"""What the dataset doctor found: one line a finding, one summary a part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import ClipFacts
from trainer.data.strange_pairs import StrangePair, strangest_pairs
from trainer.narration.rating.summary import histogram

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


class Finding(NamedTuple):
    """One thing that a user should know; an error makes the check fail."""

    level: Level
    code: str
    """Stable short name, for programs."""
    message: str
    """One line: what, where, and what mends it."""


@dataclass(frozen=True)
class PartSummary:
    """Counts of one part of a data set."""

    name: str
    clips: int
    videos: int
    classes: dict[str, int]
    """Clips of every class, zeros too."""
    domains: dict[str, int]
    """Clips of every scenario/location that occurs."""
    narrated: float
    """Share of the clips with a visual narration."""
    audio_narrated: float
    """Share of the clips with an audio narration."""
    ratings: tuple[int, ...] | None
    """Clips whose rating lies in each tenth of 0..1; None when nobody rated."""
    sound: float | None = None
    """Share of the clips with sound; None when nothing tells."""
    strangest: tuple[StrangePair, ...] = ()
    """Pairs of narrations that are rated otherwise than their like."""


def summarise(facts: ClipFacts, rated: bool, sound: NDArray[np.bool_] | None) -> PartSummary:
    """Counts of `facts`.

    Args:
        rated: whether the source has ratings (else consistency is 1 by default).
        sound: bool [n], whether each clip has sound, None when nothing tells.
    """
    tenths = np.histogram(facts.consistency, bins=10, range=(0, 1))[0]
    return PartSummary(
        name=facts.name,
        clips=len(facts),
        videos=len(np.unique(facts.video)),
        classes=facts.label_counts(),
        domains={f"{scenario}/{location}": count for (scenario, location), count in facts.domain_counts().items()},
        narrated=float((facts.narration >= 0).mean()),
        audio_narrated=float((facts.audio_narration >= 0).mean()),
        ratings=tuple(tenths.tolist()) if rated else None,
        sound=None if sound is None else float(sound.mean()),
        strangest=strangest_pairs(facts) if rated else (),
    )


@dataclass
class CheckReport:
    """All that was found in one source."""

    source: str
    kind: str
    """What the source is, in words."""
    parts: list[PartSummary] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings and notes may be there."""
        return not any(finding.level == "error" for finding in self.findings)

    def add(self, level: Level, code: str, message: str) -> None:
        self.findings.append(Finding(level, code, message))

    def as_json(self) -> dict[str, Any]:
        """Plain values: source, kind, ok, parts, findings."""
        return {
            "source": self.source,
            "kind": self.kind,
            "ok": self.ok,
            "parts": [{**vars(part), "strangest": [p._asdict() for p in part.strangest]} for part in self.parts],
            "findings": [finding._asdict() for finding in self.findings],
        }

    def lines(self) -> list[str]:
        """The report for people: the parts, then the findings, errors first."""
        lines = [f"{self.kind}: {self.source}"]
        for part in self.parts:
            lines += _part_lines(part)
        ordered = sorted(self.findings, key=lambda finding: LEVELS.index(finding.level))
        lines += [f"{finding.level:<8} {finding.message}" for finding in ordered]
        counts = [sum(finding.level == level for finding in self.findings) for level in LEVELS[:2]]
        verdict = "nothing is wrong" if self.ok else "something is wrong"
        return [*lines, f"{verdict}: {_count(counts[0], 'error')}, {_count(counts[1], 'warning')}"]


def _part_lines(part: PartSummary) -> list[str]:
    present = [count for count in part.classes.values() if count]
    absent = [name for name, count in part.classes.items() if not count]
    lines = [
        part.name,
        f"  {_count(part.clips, 'clip')} of {_count(part.videos, 'video')}",
        f"  classes   {len(present)} of {len(part.classes)}, with {min(present):,} to {max(present):,} clips"
        f" (median {int(np.median(present)):,})" + (f"; none of {_some(absent)}" if absent else ""),
        f"  domains   {len(part.domains)}: {_some([f'{name} {count:,}' for name, count in part.domains.items()])}",
        f"  narrated  {part.narrated:.0%}, by sound {part.audio_narrated:.0%}",
    ]
    if part.sound is not None:
        lines.append(f"  sound     {part.sound:.1%} of the clips")
    if part.ratings is not None:
        lines += ["  ratings   clips by tenths", *("  " + line for line in histogram(part.ratings))]
    if part.strangest:
        lines.append("  strangest pairs: the rating, and what others of the same class and sound have")
        lines += [
            f'    {p.rating:.2f}, others {p.expected:.2f}: "{p.narration}" / "{p.audio_narration}"'
            f" ({p.label}, {_count(p.clips, 'clip')})"
            for p in part.strangest
        ]
    return lines


def _some(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
