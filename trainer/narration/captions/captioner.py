"""What writes down what is heard: Pengi, an audio-language model, a captioner or a classifier look the same outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import EgoactError

Samples = NDArray[np.float32]
"""float32 [n], mono in [-1, 1] at the captioner's rate."""


class CaptionerError(EgoactError):
    """A captioner cannot be loaded, or fails."""


class Caption(NamedTuple):
    """What is heard in one clip."""

    text: str
    scores: Mapping[str, float] | None = None
    """Names of sounds with their scores 0..1, the highest first; None where the captioner has none."""


class Identified(Protocol):
    """What the keys of captions hold of a captioner."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...


class Captioner(Protocol):
    """Captions sounds; the same sound gets the same caption."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Changes with whatever changes captions: code, weights, prompt, settings."""
        ...

    @property
    def rate_hz(self) -> int:
        """Of the samples that it takes."""
        ...

    @property
    def longest_s(self) -> float | None:
        """Of a longer clip, the middle part of this length is what it gets; None takes all."""
        ...

    @property
    def batch_clips(self) -> int: ...

    def caption(self, sounds: Sequence[Samples]) -> list[Caption]:
        """One caption a sound, in their order; at most `batch_clips` of them.

        Raises:
            CaptionerError: it fails.
        """
        ...
