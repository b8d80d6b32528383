"""Ratings by the embedded model: sentence embeddings of the pair, two small networks, a probability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from trainer.narration.rating.agreement import AgreementError, load_agreement
from trainer.narration.rating.rater import Pair, Rating
from trainer.narration.sentence_encoder import SentenceEncoder
from trainer.weights.folder import sha256_of


class EmbeddedRater:
    """Needs no language model; the same pair gets the same rating everywhere, up to rounding to 0.01 %."""

    batch_pairs = 256
    concurrency = 1

    def __init__(self, path: Path, encoder: SentenceEncoder) -> None:
        """Raises AgreementError when `path` is no model, or one of another encoder."""
        self._net, self._description = load_agreement(path)
        if self._description.encoder != encoder.name:
            raise AgreementError(
                f"{path}: was trained with the encoder {self._description.encoder}, not {encoder.name}; "
                "name that one with --encoder, or train a model anew"
            )
        self._encoder = encoder
        self.name = f"embedded {sha256_of(path)[:12]}"

    @torch.inference_mode()
    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        vectors = torch.from_numpy(self._encoder.encode(texts))
        row = {text: i for i, text in enumerate(texts)}
        score = self._net(
            vectors[[row[pair.visual] for pair in pairs]], vectors[[row[pair.audio] for pair in pairs]]
        ).double()
        chance = torch.sigmoid(self._description.slope * score + self._description.intercept)
        return [Rating(float(np.round(100 * p, 2))) for p in chance.tolist()]

    def stop(self) -> None:
        """A batch is waited for."""
