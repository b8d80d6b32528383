"""One question put to the runs, and the answer that its numbers give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainer.tables.statistics import Comparison, holm, least_p
from trainer.tables.summary import estimate_json

ALPHA = 0.05
Verdict = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Finding:
    """One difference that the claim says is above 0."""

    what: str
    """For example "Appearance's drop less motion's"."""
    unit: str
    comparison: Comparison
    p_splits: float
    """Adjusted for the question's findings in this unit (Holm)."""
    verdict: Verdict

    def sentence(self) -> str:
        """The finding in words, made of its numbers."""
        found = self.comparison.difference
        if found.interval is None:
            return f"{self.what}: {found.mean:+.2f} {self.unit} (one split: no interval): {self.verdict}."
        low, high = found.interval
        return (
            f"{self.what}: {found.mean:+.2f} {self.unit} (95 % interval {low:+.2f} to {high:+.2f};"
            f" p = {self.p_splits:.3g}): {self.verdict}."
        )


@dataclass(frozen=True)
class Hypothesis:
    """A claim of the paper, with everything measured about it."""

    question: str
    how: str
    """What is compared."""
    splits: int
    findings: tuple[Finding, ...]
    beside: tuple[str, ...]
    """Sentences with the figures that the differences come from."""

    def answer(self) -> str:
        """One sentence about all findings."""
        verdicts = [finding.verdict for finding in self.findings]
        if len(set(verdicts)) == 1:
            told = {
                "supported": "Yes, in everything measured",
                "contradicted": "No: everything measured says the opposite",
                "undecided": "Not decided by these runs",
            }[verdicts[0]]
        else:
            counts = [f"{verdicts.count(v)} {v}" for v in ("supported", "contradicted", "undecided") if v in verdicts]
            told = f"Not as a whole: of {len(verdicts)} differences, {', '.join(counts)}"
        if least_p(self.splits) > ALPHA:
            told += f" (with {self.splits} splits no p can fall below {least_p(self.splits):.3g}; take more splits)"
        return told + "."


def hypothesis(
    question: str,
    how: str,
    splits: int,
    differences: Sequence[tuple[str, str, Comparison]],
    beside: Sequence[str],
) -> Hypothesis:
    """Judge differences (what, unit, comparison): supported or contradicted when whole splits are unlikely to have come
    out so by chance (adjusted p of at most ALPHA), else undecided. P is adjusted for the differences in one unit: the
    same ones in another unit are no further chances."""
    findings = []
    for what, unit, comparison in differences:
        family = [other.p_splits for _, its_unit, other in differences if its_unit == unit]
        p = holm(family)[family.index(comparison.p_splits)]
        findings.append(Finding(what, unit, comparison, p, _verdict(comparison, p)))
    return Hypothesis(question, how, splits, tuple(findings), tuple(beside))


def _verdict(comparison: Comparison, p: float) -> Verdict:
    if p > ALPHA:
        return "undecided"
    return "supported" if comparison.difference.mean > 0 else "contradicted"


def as_json(found: Hypothesis) -> dict[str, Any]:
    """Plain values."""
    return {
        "question": found.question,
        "how": found.how,
        "answer": found.answer(),
        "findings": [
            {
                "what": finding.what,
                "unit": finding.unit,
                **estimate_json(finding.comparison.difference),
                "p_splits": finding.comparison.p_splits,
                "p_splits_holm": finding.p_splits,
                "p_runs": finding.comparison.p_runs,
                "verdict": finding.verdict,
            }
            for finding in found.findings
        ],
        "beside": list(found.beside),
    }


def as_markdown(found: Hypothesis) -> list[str]:
    """Lines of a section."""
    lines = [f"### {found.question}", "", f"{found.answer()} {found.how}", ""]
    lines += [f"- {finding.sentence()}" for finding in found.findings]
    return [*lines, "", *found.beside, ""]
