from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.coral import Coral, coral_loss

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((10, 4)) * np.linspace(0.5, 2, 10)[:, None]
DOMAIN = np.array([0, 0, 0, 2, 2, 3, 3, 3, 3, 4])
"""Domain 1 is absent; domain 4 has one clip, and so no covariance."""


def literal_coral(x: Array, domain: Array) -> float:
    groups = [x[domain == d] for d in np.unique(domain) if (domain == d).sum() >= 2]
    total = 0.0
    for a, b in combinations(groups, 2):
        total += np.mean((a.mean(axis=0) - b.mean(axis=0)) ** 2)
        total += np.mean((np.cov(a.T, ddof=1) - np.cov(b.T, ddof=1)) ** 2)
    return float(total)


def test_value_and_gradients_equal_the_formula() -> None:
    domain = torch.from_numpy(DOMAIN)
    assert_same_value_and_gradients(lambda x: coral_loss(x, domain, 5), lambda x: literal_coral(x, DOMAIN), [X], 1e-6)


def test_zero_for_equal_domains() -> None:
    """The same clips, in another order."""
    x = torch.from_numpy(np.concatenate([X, X[::-1]]))
    domain = torch.arange(20) // 10
    assert coral_loss(x, domain, 2).item() == pytest.approx(0, abs=1e-14)
    assert coral_loss(x + domain[:, None], domain, 2).item() == pytest.approx(1.0), "a shift of 1 in every dimension"


def test_one_domain_or_lone_clips_make_no_pair() -> None:
    x = torch.from_numpy(X).requires_grad_()
    loss = coral_loss(x, torch.zeros(10, dtype=torch.int64), 3) + coral_loss(x, torch.arange(10), 10)
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_methods_loss() -> None:
    torch.manual_seed(0)
    method = Coral(SPEC, scenario_weight=0.3, location_weight=0.2)
    settle(method)
    batch = toy_batch(12, dtype=torch.float64)
    x = np.concatenate([e.detach().numpy() for e in method.model.embed(*batch[:3])], axis=1)
    logits = method.logits(batch, torch.ones(12, 3)).detach().numpy()
    by_domain = 0.3 * literal_coral(x, batch.scenario.numpy()) + 0.2 * literal_coral(x, batch.location.numpy())
    assert method(batch).item() == pytest.approx(cross_entropy(logits, batch.label.numpy()) + by_domain, rel=1e-9)
