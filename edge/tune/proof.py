"""What tuned decisions gain: on the clips that they were fitted on, on groups left out, on clips never used for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.bundle import Thresholds
from edge.tune.familiar import familiarity_threshold, right_familiarity
from edge.tune.material import Counts, TuneClip, announced_share, f1
from edge.tune.search import counts_of, tuned
from edge.verify.decisions import argmax_segments

WAYS = ("argmax", "before", "tuned")
RESAMPLES = 2000
MIN_GROUPS = 4
"""With fewer groups a resampled interval means nothing."""

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Gain:
    """Segment F1 on one set of clips."""

    clips: int
    groups: int
    f1: dict[str, float]
    """By way: 'argmax' (each hop's most probable label), 'before' (the bundle's thresholds), 'tuned'."""
    over_argmax: Interval
    """95 % interval of tuned - argmax, by resampling groups; None with less than MIN_GROUPS."""
    over_before: Interval
    """The same of tuned - before."""
    streaming: dict[str, float | None]
    """Share of the annotated seconds during which the right label was announced already, 'before' and 'tuned'."""


@dataclass(frozen=True)
class Proof:
    """Everything that a tuning shows."""

    before: Thresholds
    after: Thresholds
    fitted: Gain
    """On the clips that the thresholds were fitted on: too good to be believed."""
    left_out: Gain | None
    """Each group decided by thresholds fitted on the other groups; None with one group."""
    unseen: Gain | None
    """On clips that took no part; None when none were given."""
    known_kept: float | None
    """Share of right labels of groups left out that stay known; None with one group."""

    @property
    def helps(self) -> bool:
        """Whether the tuned thresholds found at least as much as those before, on groups left out."""
        gain = self.left_out or self.fitted
        return gain.f1["tuned"] >= gain.f1["before"]


def prove(
    clips: Sequence[TuneClip],
    unseen: Sequence[TuneClip],
    before: Thresholds,
    streaming_floor: float = 0.0,
    progress: Callable[[str], None] = lambda line: None,
) -> Proof:
    """Fit thresholds on `clips`, and judge them; `streaming_floor` as of `edge.tune.search.tuned`.

    Raises:
        ValueError: no clips.
    """
    if not clips:
        raise ValueError("tuning takes at least one annotated clip")
    progress(f"searching on {len(clips)} clips")
    after = _fit(clips, before, streaming_floor)
    groups = sorted({clip.group for clip in clips})
    held: dict[int, Thresholds] = {}
    kept: list[float] = []
    for number, group in enumerate(groups, start=1):
        if len(groups) < 2:
            break
        progress(f"group {number} of {len(groups)} left out: {group}")
        own = [i for i, clip in enumerate(clips) if clip.group == group]
        found = _fit([clip for clip in clips if clip.group != group], before, streaming_floor)
        held |= dict.fromkeys(own, found)
        kept += (right_familiarity([clips[i] for i in own]) >= found.familiarity).tolist()
    return Proof(
        before=before,
        after=after,
        fitted=_gain(clips, before, [after] * len(clips)),
        left_out=_gain(clips, before, [held[i] for i in range(len(clips))]) if held else None,
        unseen=_gain(unseen, before, [after] * len(unseen)) if unseen else None,
        known_kept=float(np.mean(kept)) if kept else None,
    )


def _fit(clips: Sequence[TuneClip], start: Thresholds, streaming_floor: float) -> Thresholds:
    # Familiarity takes the place of the plain confidence.
    return replace(tuned(clips, start, streaming_floor), unknown=0.0, familiarity=familiarity_threshold(clips))


def _gain(clips: Sequence[TuneClip], before: Thresholds, now: Sequence[Thresholds]) -> Gain:
    """`now` has the tuned thresholds of each clip."""
    ways = {
        "argmax": [clip.count(argmax_segments(clip.evidence.result)) for clip in clips],
        "before": counts_of(clips, before),
        "tuned": [clip.counts(thresholds) for clip, thresholds in zip(clips, now, strict=True)],
    }
    groups = [clip.group for clip in clips]
    return Gain(
        clips=len(clips),
        groups=len(set(groups)),
        f1={way: f1(counts) for way, counts in ways.items()},
        over_argmax=_interval(groups, ways["tuned"], ways["argmax"]),
        over_before=_interval(groups, ways["tuned"], ways["before"]),
        streaming={way: announced_share(ways[way]) for way in ("before", "tuned")},
    )


def _interval(groups: Sequence[str], first: Sequence[Counts], second: Sequence[Counts]) -> Interval:
    """95 % percentile interval of the difference in F1 when whole groups are drawn with replacement."""
    names = sorted(set(groups))
    if len(names) < MIN_GROUPS:
        return None
    place = np.array([names.index(group) for group in groups])
    sums = [np.zeros((len(names), 3)) for _ in range(2)]
    for total, counts in zip(sums, (first, second), strict=True):
        np.add.at(total, place, np.array(counts, float)[:, :3])
    drawn = np.random.default_rng(0).integers(0, len(names), (RESAMPLES, len(names)))
    ratio = [_ratios(total[drawn].sum(axis=1)) for total in sums]
    low, high = (float(v) for v in np.percentile(ratio[0] - ratio[1], (2.5, 97.5)))
    return low, high


def _ratios(counts: np.ndarray) -> np.ndarray:
    """F1 of [R, (matched, said, annotated)]."""
    whole = counts[:, 1] + counts[:, 2]
    return np.divide(2 * counts[:, 0], whole, out=np.zeros(len(counts)), where=whole > 0)
