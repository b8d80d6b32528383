"""How the ratings of a run are distributed, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TENTHS = 10
_WIDTH = 40


@dataclass
class Summary:
    """Counts of clips, as they are written."""

    tenths: list[int] = field(default_factory=lambda: [0] * TENTHS)
    """Clips by tenths of 0..1; 1 belongs to the last."""
    total: float = 0.0
    without_pair: int = 0
    """Clips that lack a narration."""
    missing: int = 0
    """Clips whose pair got no percentage."""
    not_asked: int = 0
    """Clips whose pair was not asked, or failed this time."""
    dropped: int = 0

    def add(self, rating: float) -> None:
        self.tenths[min(int(rating * TENTHS), TENTHS - 1)] += 1
        self.total += rating

    @property
    def rated(self) -> int:
        return sum(self.tenths)

    @property
    def mean(self) -> float | None:
        return self.total / self.rated if self.rated else None

    def as_json(self) -> dict[str, Any]:
        counts = {"rated": self.rated, "without_pair": self.without_pair, "missing": self.missing}
        rest = {"not_asked": self.not_asked, "dropped": self.dropped, "mean": self.mean, "histogram": self.tenths}
        return counts | rest

    def lines(self) -> list[str]:
        """A histogram and what is not in it."""
        lines = histogram(self.tenths)
        if self.mean is not None:
            lines.append(f"  {self.rated:,} clips rated, mean {self.mean:.2f}")
        for count, what in (
            (self.without_pair, "lack a narration"),
            (self.missing, "have no rating: no reply was a percentage"),
            (self.not_asked, "were not asked about this time"),
            (self.dropped, "left out of the file"),
        ):
            if count:
                lines.append(f"  {count:,} clips {what}")
        return lines


def histogram(tenths: Sequence[int]) -> list[str]:
    """One line a tenth of 0..1: its bounds, its clips, a bar."""
    most = max(max(tenths), 1)
    return [
        f"  {i / TENTHS:.1f} to {(i + 1) / TENTHS:.1f}  {count:>11,}  {'#' * -(-_WIDTH * count // most)}".rstrip()
        for i, count in enumerate(tenths)
    ]
