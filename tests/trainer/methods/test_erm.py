from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.batch import fusion_scale
from trainer.methods.erm import Erm, erm_loss

RANDOM = np.random.default_rng(0)
LOGITS, LABELS = RANDOM.standard_normal((6, 4)), RANDOM.integers(0, 4, 6)
BATCH = toy_batch(dtype=torch.float64)


def erm(weight_by_r: bool = False) -> Erm:
    torch.manual_seed(0)
    method = Erm(SPEC, weight_by_r=weight_by_r)
    settle(method)
    return method


def test_loss_and_gradient_equal_the_loops() -> None:
    assert_same_value_and_gradients(
        lambda logits: erm_loss(logits, torch.from_numpy(LABELS)), lambda z: cross_entropy(z, LABELS), [LOGITS]
    )


@pytest.mark.parametrize("weight_by_r", [False, True])
def test_audio_is_weighted_by_r_on_its_way_into_the_classifier(weight_by_r: bool) -> None:
    method = erm(weight_by_r)
    ap, m, a = (x.detach().numpy() for x in method.model.embed(BATCH.appearance, BATCH.motion, BATCH.audio))
    r = BATCH.r.numpy()[:, None] if weight_by_r else 1.0
    h = method.model.classifier
    logits = np.concatenate([ap, m, r * a], axis=1) @ h.weight.detach().numpy().T + h.bias.detach().numpy()
    assert method(BATCH).item() == pytest.approx(cross_entropy(logits, BATCH.label.numpy()), rel=1e-9)


def test_r_of_one_is_no_weighting_and_another_r_is_one() -> None:
    sure = BATCH._replace(r=torch.ones_like(BATCH.r))
    assert torch.equal(erm(True)(sure), erm()(BATCH))
    assert not torch.equal(erm(True)(BATCH), erm()(BATCH))


def test_r_is_for_training_only() -> None:
    assert torch.equal(erm(True).logits(BATCH, torch.ones(24, 3)), erm().logits(BATCH, torch.ones(24, 3)))


def test_scale_is_what_is_visible_times_r() -> None:
    batch = toy_batch(2)._replace(r=torch.tensor([0.5, 0.25]))
    assert fusion_scale(batch).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert fusion_scale(batch, weight_by_r=True).tolist() == [[1, 1, 0.5], [1, 1, 0.25]]
    batch = batch._replace(visible=torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]))
    assert fusion_scale(batch).tolist() == [[0, 0, 1], [1, 1, 0]]
    assert fusion_scale(batch, weight_by_r=True).tolist() == [[0, 0, 0.5], [1, 1, 0]]
