from __future__ import annotations

import numpy as np
import pytest

from trainer.tables import alignment
from trainer.tables.alignment import narration_auc


def literal_auc(embeddings: np.ndarray, narrations: np.ndarray, narration_of: np.ndarray) -> float:
    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    wins = []
    for embedding, own in zip(embeddings, narration_of, strict=True):
        for other in range(len(narrations)):
            if other != own:
                a, b = cosine(embedding, narrations[own]), cosine(embedding, narrations[other])
                wins.append(0.5 if abs(a - b) < 1e-12 else float(a > b))
    return float(np.mean(wins))


def test_it_is_the_literal_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    embeddings, narrations = rng.normal(size=(23, 5)), rng.normal(size=(7, 5))
    own = rng.integers(0, 7, 23)
    expected = literal_auc(embeddings, narrations, own)
    assert narration_auc(embeddings, narrations, own) == pytest.approx(expected)
    monkeypatch.setattr(alignment, "_CHUNK", 4)
    assert narration_auc(embeddings, narrations, own) == pytest.approx(expected)


def test_perfect_opposite_and_ignorant_embeddings() -> None:
    narrations, own = np.eye(4), np.array([0, 1, 2, 3, 3])
    assert narration_auc(5 * np.eye(4)[own], narrations, own) == 1
    assert narration_auc(-np.eye(4)[own], narrations, own) == 0
    assert narration_auc(np.ones((5, 4)), narrations, own) == 0.5


def test_length_does_not_count() -> None:
    rng = np.random.default_rng(1)
    embeddings, narrations, own = rng.normal(size=(9, 5)), rng.normal(size=(4, 5)), rng.integers(0, 4, 9)
    longer = narration_auc(embeddings * rng.uniform(1, 9, (9, 1)), narrations * rng.uniform(1, 9, (4, 1)), own)
    assert longer == pytest.approx(narration_auc(embeddings, narrations, own))
