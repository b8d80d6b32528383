from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy, unit
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.boda import Boda, DomainClassMeans, boda_loss
from trainer.methods.method import LooksAhead

RANDOM = np.random.default_rng(0)
CLASSES, DOMAINS, WIDTH = 3, 4, 5
X, MEANS = RANDOM.standard_normal((6, WIDTH)), RANDOM.standard_normal((CLASSES, DOMAINS, WIDTH))
LABEL, DOMAIN = np.array([0, 1, 2, 0, 1, 1]), np.array([0, 0, 1, 3, 1, 0])
COUNTS = np.array([[5.0, 2, 1, 4], [3, 0, 2, 7], [1, 1, 0, 2]])
"""Clip 4 is of a class and domain without a mean; clip 2's class has none in domain 2."""
IN_BATCH = np.array([True, True, False, True])


def literal_boda(x: Array, means: Array, power: float = 1.0) -> float:
    total = 0.0
    for xi, c_i, d_i in zip(unit(x), LABEL, DOMAIN, strict=True):
        e = np.zeros((CLASSES, DOMAINS))
        for c in range(CLASSES):
            for d in range(DOMAINS):
                if COUNTS[c, d] > 0:
                    mu = means[c, d] / np.linalg.norm(means[c, d])
                    distance = np.linalg.norm(xi - mu) / (COUNTS[c, d] + 1)
                    lam = (COUNTS[c_i, d_i] / (COUNTS[c, d] + 1)) ** power
                    e[c, d] = math.exp(-lam * distance)
        inner = 0.0
        for d in range(DOMAINS):
            if d != d_i and IN_BATCH[d] and e[c_i, d] > 0:
                inner += math.log(e[c_i, d] / (e.sum() - e[c_i, d_i]))
        total += -inner / (IN_BATCH.sum() - 1)
    return float(total / len(x))


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_value_and_gradients_equal_the_formula(power: float) -> None:
    fixed = [torch.from_numpy(a) for a in (LABEL, DOMAIN, COUNTS, IN_BATCH)]
    label, domain, counts, in_batch = fixed
    assert_same_value_and_gradients(
        lambda x: boda_loss(x, label, domain, torch.from_numpy(MEANS), counts, in_batch, power),
        lambda x: literal_boda(x, MEANS, power),
        [X],
    )


def test_a_clip_at_its_classs_means_costs_less() -> None:
    counts, label, domain = torch.full((2, 3), 2.0), torch.tensor([0]), torch.tensor([0])
    means = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[:, None].expand(2, 3, 2)
    near, far = (boda_loss(x[None], label, domain, means, counts, torch.ones(3) > 0) for x in torch.eye(2))
    assert near < far


def test_without_means_or_with_one_domain_it_is_zero() -> None:
    x, label = torch.from_numpy(X).requires_grad_(), torch.from_numpy(LABEL)
    means, counts = torch.from_numpy(MEANS), torch.from_numpy(COUNTS)
    domain, some = torch.from_numpy(DOMAIN), torch.from_numpy(IN_BATCH)
    loss = boda_loss(x, label, domain, torch.zeros_like(means), torch.zeros_like(counts), some)
    one = torch.tensor([True, False, False, False])
    loss = loss + boda_loss(x, label, torch.zeros_like(domain), means, counts, one)
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_means_are_a_moving_average_over_epochs() -> None:
    kept = DomainClassMeans(2, 2, 1, keep=0.5)
    kept.update(torch.tensor([[[6.0], [8.0]], [[0.0], [0.0]]]), torch.tensor([[2.0, 4], [0, 0]]))
    assert kept.means.flatten().tolist() == [3, 2, 0, 0]
    kept.update(torch.tensor([[[5.0], [0.0]], [[0.0], [9.0]]]), torch.tensor([[1.0, 0], [0, 3]]))
    assert kept.means.flatten().tolist() == [4, 2, 0, 3], "averaged, kept, still unknown, new"
    assert kept.counts.flatten().tolist() == [1, 4, 0, 3]


def test_the_methods_loss_and_its_look_at_the_training_set() -> None:
    torch.manual_seed(0)
    method = Boda(SPEC, scenario_weight=0.3, location_weight=0.2)
    settle(method).train()
    sample = [toy_batch(12, seed=1, dtype=torch.float64), toy_batch(8, seed=2, dtype=torch.float64)]
    before = {name: value.clone() for name, value in method.model.state_dict().items()}
    assert isinstance(method, LooksAhead)
    method.begin_epoch(sample)
    assert method.training
    assert all(torch.equal(value, before[name]) for name, value in method.model.state_dict().items())

    method.eval()
    x = np.concatenate([torch.cat(method.model.embed(*b[:3]), dim=1).detach().numpy() for b in sample])
    label, scenario = (np.concatenate([b[i].numpy() for b in sample]) for i in (3, 4))
    for c in range(SPEC.classes):
        for d in range(SPEC.scenarios):
            cell = (label == c) & (scenario == d)
            assert method.by_scenario.counts[c, d] == cell.sum()
            if cell.any():
                np.testing.assert_allclose(method.by_scenario.means[c, d], x[cell].mean(axis=0), rtol=1e-9)

    batch = toy_batch(12, dtype=torch.float64)
    x = torch.cat(method.model.embed(*batch[:3]), dim=1)
    logits = method.logits(batch, torch.ones(12, 3)).detach().numpy()
    expected = cross_entropy(logits, batch.label.numpy())
    for weight, kept, domain in (
        (0.3, method.by_scenario, batch.scenario),
        (0.2, method.by_location, batch.location),
    ):
        everywhere = torch.ones(kept.counts.shape[1], dtype=torch.bool)
        expected += weight * boda_loss(x, batch.label, domain, kept.means, kept.counts, everywhere).item()
    assert method(batch).item() == pytest.approx(expected, rel=1e-9)


def test_before_the_first_look_it_is_the_baseline() -> None:
    torch.manual_seed(0)
    method = Boda(SPEC)
    settle(method)
    batch = toy_batch(dtype=torch.float64)
    logits = method.logits(batch, torch.ones(24, 3)).detach().numpy()
    assert method(batch).item() == pytest.approx(cross_entropy(logits, batch.label.numpy()), rel=1e-9)


def test_means_are_saved_with_the_method() -> None:
    assert {"by_scenario.means", "by_location.counts"} <= set(Boda(SPEC).state_dict())
