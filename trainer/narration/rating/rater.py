"""What rates pairs of narrations: servers, local language models and the embedded rater look the same from outside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from edge.errors import EgoactError
from trainer.narration.clean_up import SUBJECTS, with_subject


class Pair(NamedTuple):
    """The two narrations of a clip, in plain English."""

    visual: str
    audio: str


class Rating(NamedTuple):
    """What became of a pair."""

    percent: float | None
    """0..100; None: no reply was a percentage, and none is guessed."""
    reply: str = ""
    """The last reply of a language model."""
    calls: int = 1
    """How often it was asked."""


class RaterError(EgoactError):
    """A rater cannot be loaded or reached: the run stops, and what was rated so far is kept."""


class UnratedError(EgoactError):
    """These pairs could not be rated just now: the run goes on without them, and the next one asks for them again."""


class Rater(Protocol):
    """Rates pairs; `rate` is called from `concurrency` threads at a time with at most `batch_pairs` pairs."""

    @property
    def name(self) -> str:
        """Two raters of one name give the same ratings: it holds the model and the prompt, or their checksums."""
        ...

    @property
    def batch_pairs(self) -> int: ...

    @property
    def concurrency(self) -> int: ...

    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        """One rating a pair, in their order.

        Raises:
            UnratedError: these pairs failed. RaterError: no pair can be rated any more.
        """
        ...

    def stop(self) -> None:
        """Called when the run is given up: whoever waits in `rate` gives up, too."""
        ...


def pair_of(visual: str, audio: str) -> Pair | None:
    """The pair that is rated for two narrations as files have them; None without one of them.

    The wearer ("#C C") is "She", as in the paper's figure 2; blanks are collapsed, so that equal pairs are found.
    """
    told = " ".join(audio.split())
    if not visual.strip() or not told:
        return None
    return Pair(with_subject(visual, SUBJECTS[0]), told)


def pair_key(rater: str, pair: Pair) -> str:
    """Key of a rating: 32 hexadecimal digits of the content of the pair and the rater's name."""
    content = "\0".join((rater, *pair))
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:32]
