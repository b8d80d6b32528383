"""The constant offset between a camera's and a microphone's times, from events that were both seen and heard."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.av_onsets import Onsets
from edge.errors import EgoactError

EventKind = Literal["flash", "clap"]

MAX_OFFSET_S = 0.5
"""Further apart than this, a sound and a picture are not the same event."""

_VOTE_S = 0.025
"""Width of a vote: about the error of one event."""

_PAIR_S = 0.1
"""Differences further than this from the one with the most votes are no pairs."""

MAX_RIVALS = 0.7
"""When another difference has more than this share of the votes, nobody knows which of the two it is."""

MAX_SPREAD_MS: dict[EventKind, float] = {"flash": 25.0, "clap": 40.0}
"""With a larger spread the pairs are not pairs, or the devices have no constant offset. Flashes seen at 30 fps have
12 ms by the frames alone (uniform over 33 ms)."""


class AvOffset(NamedTuple):
    """What was measured."""

    offset_ms: float
    """Picture minus sound: positive when the camera's times come later for the same event."""
    interval_ms: float
    """Half width of the 95 % confidence interval of the median; what is the same in all pairs is not in it."""
    spread_ms: float
    """Standard deviation of the pairs, by their median absolute deviation."""
    pairs: int
    seen: int
    heard: int


def av_offset(seen: Onsets, heard_s: NDArray[np.float64], kind: EventKind, min_pairs: int) -> AvOffset:
    """The offset from onsets in picture and sound, stream times in s.

    Every seen and every heard onset that are at most `MAX_OFFSET_S` apart vote for their difference, by how sudden the
    seen one was; around the difference with the most votes, every heard onset is paired with the nearest seen one. So
    onsets of one kind alone (speech, hands that part again) drop out.

    Raises:
        EgoactError: there are too few pairs, or they disagree.
    """
    pairs_s, rivals = _pairs_s(seen, heard_s)
    differences_ms = pairs_s * 1e3
    count = f"{len(seen.times_s)} {plural(kind)} seen, {len(heard_s)} sounds heard, {len(differences_ms)} pairs"
    # Pairs that lie together by chance are few among all that was seen and heard.
    needed = max(min_pairs, min(len(seen.times_s), len(heard_s)) // 2)
    if len(differences_ms) < needed:
        raise EgoactError(
            f"{count}, {needed} are needed: {hint(kind)}, about once a second, in a quiet place, then run "
            "'egoact calibrate-av' again"
        )
    if rivals > MAX_RIVALS:
        raise EgoactError(
            f"{count}, but another offset fits nearly as well: {hint(kind)}, at uneven times, "
            "about a second apart, then run 'egoact calibrate-av' again"
        )
    median_ms = float(np.median(differences_ms))
    spread_ms = 1.4826 * float(np.median(np.abs(differences_ms - median_ms)))
    if spread_ms > MAX_SPREAD_MS[kind]:
        raise EgoactError(
            f"{count}, but they disagree by {spread_ms:.0f} ms (at most {MAX_SPREAD_MS[kind]:.0f} ms): {hint(kind)}, "
            "with nothing else moving or sounding, then run 'egoact calibrate-av' again"
        )
    # The median of n normal values has 1.2533 times the standard error of their mean.
    interval_ms = 1.96 * 1.2533 * spread_ms / float(np.sqrt(len(differences_ms)))
    return AvOffset(median_ms, interval_ms, spread_ms, len(differences_ms), len(seen.times_s), len(heard_s))


def _pairs_s(seen: Onsets, heard_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Seen minus heard of every pair, and the votes of the best other difference as a share of the winner's."""
    if not len(seen.times_s) or not len(heard_s):
        return np.zeros(0), 0.0
    apart_s = seen.times_s[:, None] - heard_s[None, :]
    near = np.abs(apart_s) <= MAX_OFFSET_S
    if not near.any():
        return np.zeros(0), 0.0
    differences_s, weights = apart_s[near], np.broadcast_to(seen.strengths[:, None], near.shape)[near]
    votes = np.exp(-(((differences_s[:, None] - differences_s[None, :]) / _VOTE_S) ** 2) / 2) @ weights
    best_s, most = differences_s[votes.argmax()], float(votes.max())
    from_best_s = np.abs(apart_s - best_s)
    nearest = from_best_s.argmin(axis=0)
    paired = from_best_s[nearest, np.arange(len(heard_s))] <= _PAIR_S
    rivals = float(votes[np.abs(differences_s - best_s) > 2 * _PAIR_S].max(initial=0.0)) / most
    return apart_s[nearest, np.arange(len(heard_s))][paired], rivals


def plural(kind: EventKind) -> str:
    """The word for several of the events."""
    return {"flash": "flashes", "clap": "claps"}[kind]


def hint(kind: EventKind) -> str:
    """What the user is to do."""
    if kind == "flash":
        return "switch a light in the camera's view on with a click (a torch with a switch, a camera's flash)"
    return "clap in the camera's view and keep the hands together for a moment"
