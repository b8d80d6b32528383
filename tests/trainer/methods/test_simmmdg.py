from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy, unit
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.simmmdg import SimMmdg, distance_loss, translation_loss
from trainer.methods.supervised_contrastive import supervised_contrastive_loss

RANDOM = np.random.default_rng(0)
Z, LABELS = RANDOM.standard_normal((7, 4)), np.array([0, 1, 0, 2, 1, 0, 3])
BATCH = toy_batch(6, dtype=torch.float64)


def literal_supervised_contrastive(z: Array, labels: Array, temperature: float = 0.1) -> float:
    """Anchors, their positives, everything but the anchor in the denominator; labels of one row have no anchor."""
    terms = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        positives = [j for j in others if labels[j] == labels[i]]
        if positives:
            total = sum(math.exp(z[i] @ z[k] / temperature) for k in others)
            terms.append(np.mean([math.log(math.exp(z[i] @ z[j] / temperature) / total) for j in positives]))
    return float(-temperature / 0.07 * np.mean(terms))


def test_contrast_equals_the_loops() -> None:
    assert_same_value_and_gradients(
        lambda z: supervised_contrastive_loss(torch.nn.functional.normalize(z, dim=1), torch.from_numpy(LABELS)),
        lambda z: literal_supervised_contrastive(unit(z), LABELS),
        [Z],
        atol=1e-6,
    )


def test_contrast_is_least_when_labels_lie_together() -> None:
    together = torch.eye(4)[torch.from_numpy(LABELS)]
    labels = torch.from_numpy(LABELS)
    assert supervised_contrastive_loss(together, labels) < supervised_contrastive_loss(together.roll(1, 0), labels)


def test_contrast_without_positives_is_zero() -> None:
    z = torch.from_numpy(unit(Z)).requires_grad_()
    loss = supervised_contrastive_loss(z, torch.arange(7))
    loss.backward()
    assert loss.item() == 0
    assert z.grad is not None
    assert z.grad.isfinite().all()


def test_distance_equals_the_loops() -> None:
    def slow(e: Array) -> float:
        return -float(np.mean([np.mean((s[:, :2] - s[:, 2:]) ** 2) for s in e]))

    assert_same_value_and_gradients(distance_loss, slow, [RANDOM.standard_normal((3, 5, 4))])


def test_translation_equals_the_loops() -> None:
    def slow(translated: Array, target: Array) -> float:
        pairs = zip(translated, target, strict=True)
        return float(np.mean([[np.linalg.norm(x) for x in unit(t) - unit(e)] for t, e in pairs]))

    assert_same_value_and_gradients(translation_loss, slow, [RANDOM.standard_normal((6, 5, 4)) for _ in range(2)])


def test_translation_of_a_perfect_copy_has_a_finite_gradient() -> None:
    x = torch.from_numpy(Z).requires_grad_()
    translation_loss(x, torch.from_numpy(Z)).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_loss_equals_its_formula() -> None:
    torch.manual_seed(0)
    method = SimMmdg(SPEC, hidden=9, contrast_dim=5, classifier_hidden=11)
    settle(method)
    label = BATCH.label.numpy()
    embeddings = method.model.embed(*BATCH[:3])
    e = [x.detach().numpy() for x in embeddings]
    views = [head(x[:, :4]).detach().numpy() for head, x in zip(method.contrast, embeddings, strict=True)]
    l_con = literal_supervised_contrastive(unit(np.concatenate(views)), np.tile(label, 3))
    l_dis = -np.mean([np.mean((x[:, :4] - x[:, 4:]) ** 2) for x in e])
    gaps = []
    for net, (m, n) in zip(method.translators, [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)], strict=True):
        difference = unit(net(embeddings[m]).detach().numpy()) - unit(e[n])
        gaps.append(np.mean([np.linalg.norm(row) for row in difference]))
    logits = method.logits(BATCH, torch.ones(6, 3)).detach().numpy()
    expected = cross_entropy(logits, label) + 0.1 * np.mean(gaps) + 3.0 * l_con + 0.7 * l_dis
    assert method(BATCH).item() == pytest.approx(float(expected), rel=1e-9)


def test_one_stream_has_nothing_to_translate() -> None:
    method = SimMmdg(replace(SPEC, modalities="ap-mo"), hidden=9, contrast_dim=5)
    assert len(method.translators) == 0
    method(toy_batch()).backward()
    assert all(p.grad is not None for p in method.parameters())


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ValueError, match="halves every embedding: a width of 7 is odd"):
        SimMmdg(replace(SPEC, out=7))
