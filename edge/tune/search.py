"""Search for the thresholds that find the most segments.

Coordinate ascent on a grid: one threshold after the other takes its best value, round after round, until nothing
improves. The objective is a step function, so it starts from several places, and of equals the one that moves the
thresholds least from those of the start wins: a change must earn its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from edge.bundle import Thresholds
from edge.tune.material import Counts, TuneClip, announced_share, f1

ON = (0.0, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8)
OFF_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of `on`: a segment never closes at a higher probability than it opens at."""
MIN_DURATIONS_S = (0.0, 0.8, 1.3, 1.8, 2.4)
"""Between whole hops of 0.533 s, where the decision changes."""
SMOOTHING = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
JUMP_COSINES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
MOST_ROUNDS = 6

Worth = tuple[bool, float, int]
Vary = Callable[[Thresholds], Iterator[Thresholds]]


def tuned(clips: Sequence[TuneClip], start: Thresholds, streaming_floor: float = 0.0) -> Thresholds:
    """The thresholds of the highest segment F1 on these clips; `unknown` and `familiarity` stay as they are.

    Args:
        streaming_floor: share that must remain of the seconds whose label was announced already with the thresholds
            of the start; 0: only the F1 counts, and it likes segments that are announced late.
    """
    floor = streaming_floor * (announced_share(counts_of(clips, start)) or 0.0)
    starts = [start, replace(start, on=0.3, off=0.2, min_duration_s=0.8), replace(start, smoothing=0.4)]
    best = max((_climb(clips, one, start, floor) for one in starts), key=lambda found: found[0])
    return best[1]


def _climb(clips: Sequence[TuneClip], begin: Thresholds, start: Thresholds, floor: float) -> tuple[Worth, Thresholds]:
    best, now = _worth(clips, begin, start, floor), begin
    for _ in range(MOST_ROUNDS):
        before = best
        for vary in (_on, _off, _min_duration, _smoothing, _jump):
            for candidate in vary(now):
                worth = _worth(clips, candidate, start, floor)
                if worth > best:
                    best, now = worth, candidate
        if best == before:
            break
    return best, now


def _worth(clips: Sequence[TuneClip], thresholds: Thresholds, start: Thresholds, floor: float) -> Worth:
    """Whether enough is announced in time, then segment F1, then how many thresholds are those of the start."""
    counts = counts_of(clips, thresholds)
    kept = sum(getattr(thresholds, name) == getattr(start, name) for name in Thresholds.__dataclass_fields__)
    return (announced_share(counts) or 0.0) >= floor - 1e-9, round(f1(counts), 9), kept


def counts_of(clips: Sequence[TuneClip], thresholds: Thresholds) -> list[Counts]:
    """What the thresholds get right and wrong, a clip each, in the clips' order."""
    return [clip.counts(thresholds) for clip in clips]


def _on(now: Thresholds) -> Iterator[Thresholds]:
    share = now.off / now.on if now.on else 1.0
    for on in ON:
        yield replace(now, on=on, off=round(on * share, 3))


def _off(now: Thresholds) -> Iterator[Thresholds]:
    for share in OFF_SHARES:
        yield replace(now, off=round(now.on * share, 3))


def _min_duration(now: Thresholds) -> Iterator[Thresholds]:
    for seconds in MIN_DURATIONS_S:
        yield replace(now, min_duration_s=seconds)


def _smoothing(now: Thresholds) -> Iterator[Thresholds]:
    for weight in SMOOTHING:
        yield replace(now, smoothing=weight)


def _jump(now: Thresholds) -> Iterator[Thresholds]:
    for cosine in JUMP_COSINES:
        yield replace(now, jump_cosine=cosine)
