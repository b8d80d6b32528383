"""Clips as a method sees them: a clip table and its embedded narrations, gathered into batches on one device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.clip_table import ClipTable
from trainer.methods.batch import Batch
from trainer.narration.sentence_encoder import SentenceEncoder


@dataclass(frozen=True)
class Narrations:
    """Embeddings of a table's texts (`ClipFacts.texts`), each text once."""

    vectors: NDArray[np.float32]
    """float32 [rows, subjects, T], in memory or a memory map."""
    row_of_text: NDArray[np.int64]
    """int64 [texts]"""

    @property
    def dim(self) -> int:
        """T."""
        return self.vectors.shape[2]


def embed_narrations(texts: Sequence[str], encoder: SentenceEncoder) -> Narrations:
    """Narrations in memory, with one subject for the wearer: for data sets with thousands of texts, not millions."""
    vectors = encoder.encode(texts) if texts else np.zeros((1, encoder.dim), np.float32)
    return Narrations(vectors[:, None, :], np.arange(len(texts)))


class HeadClips:
    """A clip table and its narrations on a device.

    Args:
        table: the clips.
        narrations: of `table.facts.texts`.
        device: where batches go.
        resident: keep features and narrations on the device; None: when they fit there.
    """

    def __init__(
        self,
        table: ClipTable,
        narrations: Narrations,
        device: torch.device | str = "cpu",
        resident: bool | None = None,
    ) -> None:
        raise NotImplementedError  # published ahead for tables; comes with the loop

    def __len__(self) -> int:
        raise NotImplementedError

    def batch(self, clips: Tensor, subjects: Tensor | None = None) -> Batch:
        """The clips with these indices (int64 [B], CPU), in that order."""
        raise NotImplementedError

    @property
    def labels(self) -> NDArray[np.int64]:
        """int64 [n], in the table's order."""
        raise NotImplementedError
