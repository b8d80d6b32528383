"""Sentence encoders by the name that an option gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.narration.hashed_text import HashedText
from trainer.narration.minilm import MiniLm, find_minilm
from trainer.narration.sentence_encoder import SentenceEncoder

HASHED = "hashed"


class SideBySide:
    """A `SentenceEncoder`: the vectors of several, one behind the other."""

    def __init__(self, *encoders: SentenceEncoder) -> None:
        self._encoders = encoders
        self.name = " + ".join(encoder.name for encoder in encoders)
        self.dim = sum(encoder.dim for encoder in encoders)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.concatenate([encoder.encode(texts) for encoder in self._encoders], axis=1)


def encoder_named(name: str | None, device: str = "cpu") -> SentenceEncoder:
    """'hashed' (words, no weights), or MiniLM beside hashed words: of the installed package (None), or of a folder.

    MiniLM knows which words are alike, and hashing which they are.

    Raises:
        EgoactError: it cannot be loaded.
    """
    if name == HASHED:
        return HashedText()
    return SideBySide(MiniLm(find_minilm() if name is None else Path(name), device), HashedText())
