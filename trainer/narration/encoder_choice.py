"""Sentence encoders by the name that an option gives them."""

from __future__ import annotations

from pathlib import Path

from trainer.narration.hashed_text import HashedText
from trainer.narration.minilm import MiniLm, find_minilm
from trainer.narration.sentence_encoder import SentenceEncoder

HASHED = "hashed"


def encoder_named(name: str | None, device: str = "cpu") -> SentenceEncoder:
    """'hashed' (words, no weights), a folder with a sentence encoder, or the installed package's MiniLM (None).

    Raises:
        EgoactError: it cannot be loaded.
    """
    if name == HASHED:
        return HashedText()
    return MiniLm(find_minilm() if name is None else Path(name), device)
