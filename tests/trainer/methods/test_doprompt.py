from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.doprompt import DoPrompt, domain_share_loss, softmax_over_domains

BATCH = toy_batch(6, dtype=torch.float64)
P = 3


def doprompt() -> DoPrompt:
    torch.manual_seed(0)
    method = DoPrompt(SPEC, prompt_dim=P, hidden=9, prompt_weight=0.7, adapted_weight=0.9, domain_weight=0.3)
    settle(method)
    return method


def literal_share_loss(score: Array, domain: Array) -> float:
    """Shares by a softmax over domains for every prompt dimension; each is a yes-or-no answer."""
    total = []
    for rows, d_i in zip(score, domain, strict=True):
        for p in range(rows.shape[1]):
            weights = [math.exp(value) for value in rows[:, p]]
            shares = [w / sum(weights) for w in weights]
            total += [-math.log(s if d == d_i else 1 - s) for d, s in enumerate(shares)]
    return float(np.mean(total))


def literal_logits(method: DoPrompt, prompt: Array) -> Array:
    inputs = [torch.from_numpy(np.concatenate([x.numpy(), prompt], axis=1)) for x in BATCH[:3]]
    return method.model(*inputs, torch.ones(6, 3)).detach().numpy()


def mixed_prompt(method: DoPrompt) -> tuple[Array, list[Array]]:
    """The no-domain pass, the adapters and the mixture, clip by clip; also the adapters' scores."""
    token = np.tile(method.no_domain.numpy(), (6, 1))
    inputs = [torch.from_numpy(np.concatenate([x.numpy(), token], axis=1)) for x in BATCH[:3]]
    fused = torch.cat(method.model.embed(*inputs), dim=1)
    parts, scores = [], []
    for mixer in (method.scenario, method.location):
        score = mixer.adapter(fused).detach().numpy().reshape(6, -1, P)
        shares = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        parts.append(np.stack([(s * mixer.prompts.detach().numpy()).sum(axis=0) for s in shares]))
        scores.append(score)
    return np.concatenate(parts, axis=1), scores


def test_loss_equals_its_formula() -> None:
    method = doprompt()
    scenario, location, label = BATCH.scenario.numpy(), BATCH.location.numpy(), BATCH.label.numpy()
    true = [method.scenario.prompts.detach().numpy()[scenario], method.location.prompts.detach().numpy()[location]]
    prompted = literal_logits(method, np.concatenate(true, axis=1))
    prompt, (by_scenario, by_location) = mixed_prompt(method)
    domain = literal_share_loss(by_scenario, scenario) + literal_share_loss(by_location, location)
    expected = 0.7 * cross_entropy(prompted, label) + 0.9 * cross_entropy(literal_logits(method, prompt), label)
    assert method(BATCH).item() == pytest.approx(expected + 0.3 * domain, rel=1e-9)


def test_share_loss_and_gradients_equal_the_loops() -> None:
    domain = np.array([0, 2, 1, 2])
    assert_same_value_and_gradients(
        lambda score: domain_share_loss(softmax_over_domains(score), torch.from_numpy(domain)),
        lambda score: literal_share_loss(score, domain),
        [np.random.default_rng(0).standard_normal((4, 3, 2))],
    )


def test_a_test_takes_the_mixed_prompts_and_no_domain_label() -> None:
    method = doprompt()
    prompt, _ = mixed_prompt(method)
    logits = method.logits(BATCH, torch.ones(6, 3))
    np.testing.assert_allclose(logits.detach(), literal_logits(method, prompt), rtol=1e-9)
    other = BATCH._replace(scenario=BATCH.scenario.flip(0), location=BATCH.location.flip(0))
    assert torch.equal(method.logits(other, torch.ones(6, 3)), logits)


def test_no_gradient_flows_through_the_no_domain_pass() -> None:
    """With all weight on the domain, only the adapters learn."""
    method = DoPrompt(SPEC, prompt_dim=P, prompt_weight=0.0, adapted_weight=0.0)
    method(toy_batch()).backward()
    learned = {name for name, p in method.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert learned
    assert all(".adapter." in name for name in learned)
    assert not isinstance(method.no_domain, nn.Parameter)
