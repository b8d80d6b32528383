from __future__ import annotations

import pytest
import torch

from tests.trainer.methods.literal import cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.dann import Dann, ReversedGradient

BATCH = toy_batch(12, dtype=torch.float64)


def dann(**choices: float) -> Dann:
    torch.manual_seed(0)
    method = Dann(SPEC, **choices)  # type: ignore[arg-type]
    settle(method)
    return method


def test_the_reversal_is_the_identity_with_a_reversed_gradient() -> None:
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    coefficients = torch.randn(3, 4, dtype=torch.float64)
    out = ReversedGradient.apply(x, 0.5)
    assert torch.equal(out, x)
    (out * coefficients).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, -0.5 * coefficients)


def test_the_methods_loss() -> None:
    method = dann(scenario_weight=0.3, location_weight=0.2)
    x = torch.cat(method.model.embed(*BATCH[:3]), dim=1)
    parts = ((1.0, method.model.classifier, BATCH.label), (0.3, method.scenario, BATCH.scenario))
    parts = (*parts, (0.2, method.location, BATCH.location))
    expected = sum(w * cross_entropy(net(x).detach().numpy(), target.numpy()) for w, net, target in parts)
    assert method(BATCH).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("reversal", [0.5, 2.0])
def test_encoders_climb_what_the_domain_classifiers_descend(reversal: float) -> None:
    """Against the same loss without the reversal: encoders -reversal times, domain classifiers once."""
    method = dann(reversal=reversal, scenario_weight=1.0, location_weight=0.5)
    x = torch.cat(method.model.embed(*BATCH[:3]), dim=1)
    ce = torch.nn.functional.cross_entropy
    domain = ce(method.scenario(x), BATCH.scenario) + 0.5 * ce(method.location(x), BATCH.location)
    encoders = [p for name, p in method.model.named_parameters() if not name.startswith("classifier")]
    heads = [*method.scenario.parameters(), *method.location.parameters()]
    plain = torch.autograd.grad(domain, [*encoders, *heads])
    label = torch.autograd.grad(ce(method.logits(BATCH, torch.ones(12, 3)), BATCH.label), encoders)
    ours = torch.autograd.grad(method(BATCH), [*encoders, *heads])
    for ours_p, plain_p, label_p in zip(ours, plain, label, strict=False):
        torch.testing.assert_close(ours_p, label_p - reversal * plain_p)
    for ours_p, plain_p in zip(ours[len(encoders) :], plain[len(encoders) :], strict=True):
        torch.testing.assert_close(ours_p, plain_p)
    assert max(float(p.abs().max()) for p in plain) > 1e-3
