from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.mmd import Mmd, mmd_loss

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((9, 4))
DOMAIN = np.array([0, 0, 0, 2, 2, 3, 3, 3, 4])
"""Domain 1 is absent; domain 4 has one clip."""


def kernel(a: Array, b: Array) -> float:
    """Mean over pairs of clips of the sum of seven Gaussians."""
    gammas = [10.0**power for power in range(-3, 4)]
    return float(np.mean([[sum(math.exp(-g * ((x - y) @ (x - y))) for g in gammas) for y in b] for x in a]))


def literal_mmd(x: Array, domain: Array) -> float:
    pairs = list(combinations([x[domain == d] for d in np.unique(domain)], 2))
    return sum(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b) for a, b in pairs) / len(pairs)


def test_value_and_gradients_equal_the_formula() -> None:
    domain = torch.from_numpy(DOMAIN)
    assert_same_value_and_gradients(lambda x: mmd_loss(x, domain, 5), lambda x: literal_mmd(x, DOMAIN), [X])


def test_zero_for_equal_domains() -> None:
    x = torch.from_numpy(np.concatenate([X, X[::-1]]))
    domain = torch.arange(18) // 9
    assert mmd_loss(x, domain, 2).item() == pytest.approx(0, abs=1e-12)
    assert mmd_loss(x + domain[:, None], domain, 2).item() > 0.1


def test_float32_is_enough_for_long_embeddings() -> None:
    x = np.random.default_rng(0).standard_normal((9, 1536))
    ours = mmd_loss(torch.from_numpy(x).float(), torch.from_numpy(DOMAIN), 5)
    assert ours.item() == pytest.approx(literal_mmd(x, DOMAIN), rel=1e-5)


def test_one_domain_makes_no_pair() -> None:
    x = torch.from_numpy(X).requires_grad_()
    loss = mmd_loss(x, torch.zeros(9, dtype=torch.int64), 3)
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_methods_loss() -> None:
    torch.manual_seed(0)
    method = Mmd(SPEC, scenario_weight=0.3, location_weight=0.2)
    settle(method)
    batch = toy_batch(12, dtype=torch.float64)
    x = np.concatenate([e.detach().numpy() for e in method.model.embed(*batch[:3])], axis=1)
    logits = method.logits(batch, torch.ones(12, 3)).detach().numpy()
    by_domain = 0.3 * literal_mmd(x, batch.scenario.numpy()) + 0.2 * literal_mmd(x, batch.location.numpy())
    assert method(batch).item() == pytest.approx(cross_entropy(logits, batch.label.numpy()) + by_domain, rel=1e-9)
