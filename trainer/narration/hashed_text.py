"""A frozen text embedding that needs no weights: hashed words and word pairs, projected to 512 random signs.

It stands in for CLIP's ViT-B/32 text tower (512-d) until its weights are given: sentences that share words lie close,
but it knows no synonyms. Every computer finds the same vectors: the signs come from SHA-512 and not from `hash()`.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.narration.clean_up import SUBJECTS, with_subject

TEXT_DIM = 512
"""Width of the embedding: CLIP ViT-B/32's, and the number of bits of one SHA-512 digest."""

PAIR_WEIGHT = 0.5
"""Weight of a word pair beside a word: order matters, but less than the words themselves."""


class HashedText:
    """This embedding as a `SentenceEncoder`."""

    name = "hashed-text-512"
    dim = TEXT_DIM

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`embed_texts`."""
        return embed_texts(texts)


def clean_narration(narration: str) -> str:
    """The narration with the wearer as 'She' (see `clean_up`), so that an embedding can be kept; '' stays ''."""
    return with_subject(narration, SUBJECTS[0]) if narration.strip() else ""


def embed_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embeddings of `texts`: float32 [N, 512], each of unit length; an empty text gives zeros."""
    return np.stack([_embed(text) for text in texts]) if texts else np.zeros((0, TEXT_DIM), np.float32)


@lru_cache(maxsize=65_536)
def _embed(text: str) -> NDArray[np.float32]:
    words = re.findall(r"[a-z0-9'-]+", clean_narration(text).lower())
    total = np.zeros(TEXT_DIM, np.float64)
    for word in words:
        total += _signs(word)
    for first, second in itertools.pairwise(words):
        total += PAIR_WEIGHT * _signs(f"{first} {second}")
    norm = float(np.linalg.norm(total))
    return (total / norm if norm > 0 else total).astype(np.float32)


@lru_cache(maxsize=65_536)
def _signs(token: str) -> NDArray[np.float64]:
    """One of 2^512 sign vectors: the bits of the token's SHA-512 as -1 or +1."""
    digest = np.frombuffer(hashlib.sha512(token.encode()).digest(), np.uint8)
    return np.unpackbits(digest).astype(np.float64) * 2.0 - 1.0
