from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.erm import Erm
from trainer.methods.mixup import Mixup

BATCH = toy_batch(8, dtype=torch.float64)
PARTNER = torch.tensor([3, 0, 1, 2, 7, 6, 5, 4])


def mixup(alpha: float = 0.2) -> Mixup:
    torch.manual_seed(0)
    method = Mixup(SPEC, alpha=alpha)
    settle(method)
    return method


@pytest.mark.parametrize("lam", [0.3, 0.9, 0.0])
def test_loss_equals_its_formula(lam: float) -> None:
    method = mixup()
    mixed = [lam * x.numpy() + (1 - lam) * x.numpy()[PARTNER.numpy()] for x in BATCH[:3]]
    logits = method.model(*(torch.from_numpy(x) for x in mixed), torch.ones(8, 3)).detach().numpy()
    label = BATCH.label.numpy()
    expected = lam * cross_entropy(logits, label) + (1 - lam) * cross_entropy(logits, label[PARTNER.numpy()])
    assert method.mixed_loss(BATCH, lam, PARTNER).item() == pytest.approx(expected, rel=1e-9)


def test_lam_of_one_is_the_baseline() -> None:
    method, baseline = mixup(), Erm(SPEC).double().eval()
    baseline.model.load_state_dict(method.model.state_dict())
    assert torch.equal(method.mixed_loss(BATCH, 1.0, PARTNER), baseline(BATCH))


def test_what_is_hidden_of_a_clip_stays_hidden() -> None:
    method = mixup()
    visible = torch.ones(8, 3, dtype=torch.float64)
    visible[:, 2] = 0
    hidden = BATCH._replace(visible=visible)
    deaf = hidden._replace(audio=torch.zeros_like(BATCH.audio))
    assert torch.equal(method.mixed_loss(hidden, 0.4, PARTNER), method.mixed_loss(deaf, 0.4, PARTNER))


def test_a_batch_is_mixed_by_a_draw_of_lam_and_of_partners() -> None:
    method = mixup()
    torch.manual_seed(3)
    first = method(BATCH)
    torch.manual_seed(3)
    assert torch.equal(method(BATCH), first)
    assert not torch.equal(method(BATCH), first)


def test_lam_follows_the_beta_distribution() -> None:
    method, seen = mixup(alpha=0.5), []
    method.mixed_loss = lambda batch, lam, partner: seen.append((lam, partner))  # type: ignore[method-assign, assignment]
    torch.manual_seed(0)
    for _ in range(2000):
        method(BATCH)
    lams = np.array([lam for lam, _ in seen])
    # Beta(0.5, 0.5): mean 1/2, variance 1/8; the tolerances are five standard errors.
    assert lams.mean() == pytest.approx(0.5, abs=5 * (0.125 / 2000) ** 0.5)
    assert lams.var() == pytest.approx(0.125, abs=5 * 0.125 * (0.5 / 2000) ** 0.5)
    assert all(torch.equal(partner.sort().values, torch.arange(8)) for _, partner in seen)
