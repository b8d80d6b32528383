from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.rna import Reduction, RnaNet, rna_loss

RANDOM = np.random.default_rng(0)
EMBEDDINGS = RANDOM.standard_normal((3, 6, 4)) * np.array([1.0, 2.0, 0.5])[:, None, None]


def literal_rna(embeddings: Array, reduction: Reduction) -> float:
    """The three ratios in words: video over audio, video over flow, flow over audio."""
    ap, m, a = (float(np.mean([np.linalg.norm(row) for row in e])) for e in embeddings)
    total = (ap / a - 1) ** 2 + (ap / m - 1) ** 2 + (m / a - 1) ** 2
    return total / 3 if reduction == "mean" else total


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_value_and_gradients_equal_the_formula(reduction: Reduction) -> None:
    assert_same_value_and_gradients(
        lambda e: rna_loss(e, reduction), lambda e: literal_rna(e, reduction), [EMBEDDINGS], atol=1e-6
    )


def test_zero_when_the_mean_norms_agree() -> None:
    unit = EMBEDDINGS / np.linalg.norm(EMBEDDINGS, axis=2, keepdims=True)
    assert rna_loss(torch.from_numpy(unit), "mean").item() == pytest.approx(0, abs=1e-25)
    permuted = torch.from_numpy(np.stack([EMBEDDINGS[0], EMBEDDINGS[0][::-1], -EMBEDDINGS[0]]))
    assert rna_loss(permuted, "sum").item() == pytest.approx(0, abs=1e-25)


def test_the_direction_of_a_ratio_matters() -> None:
    backwards = torch.from_numpy(EMBEDDINGS[::-1].copy())
    assert rna_loss(torch.from_numpy(EMBEDDINGS), "mean") != rna_loss(backwards, "mean")


def test_one_stream_has_no_ratio() -> None:
    assert rna_loss(torch.from_numpy(EMBEDDINGS[:1]), "mean").item() == 0


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_methods_loss_is_on_embeddings_before_any_scale(weight: float) -> None:
    torch.manual_seed(0)
    method = RnaNet(SPEC, weight=weight)
    settle(method)
    batch = toy_batch(8, dtype=torch.float64)
    batch = batch._replace(visible=torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]] * 4).double())
    embeddings = np.stack([e.detach().numpy() for e in method.model.embed(*batch[:3])])
    logits = method.logits(batch, batch.visible).detach().numpy()
    expected = cross_entropy(logits, batch.label.numpy()) + weight * literal_rna(embeddings, "mean")
    assert method(batch).item() == pytest.approx(expected, rel=1e-9)


def test_audio_and_video_streams_alone_are_two_and_one_ratios() -> None:
    method = RnaNet(replace(SPEC, modalities="ap+mo"))
    assert len(method.model.streams) == 2
    method(toy_batch()).backward()
