from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.batch import Batch
from trainer.methods.cir import Cir, Support, attention, excluded_supports

BATCH = toy_batch(8, dtype=torch.float64)
SCENARIO, LOCATION = BATCH.scenario.numpy(), BATCH.location.numpy()


def cir(support: Support = "other", **choices: float) -> Cir:
    torch.manual_seed(0)
    method = Cir(SPEC, support=support, key_dim=6, text_hidden=5, **choices)  # type: ignore[arg-type]
    settle(method)
    with torch.no_grad():
        method.norm.bias.uniform_(-0.2, 0.2)
        method.norm.weight.uniform_(0.5, 1.5)
    return method


def may_rebuild(support: str, i: int, j: int) -> bool:
    """The support sets in words."""
    same_scenario, same_location = SCENARIO[i] == SCENARIO[j], LOCATION[i] == LOCATION[j]
    return {
        "all": True,
        "other": i != j,
        "OS": not same_scenario,
        "OL": not same_location,
        "OS-OL": not same_scenario and not same_location,
        "SS": i != j and same_scenario,
        "SL": i != j and same_location,
        "SS-SL": i != j and same_scenario and same_location,
    }[support]


def rebuild(queries: Array, keys: Array, values: Array, support: str) -> list[Array | None]:
    """Each row as a softmax-weighted sum of the rows that may rebuild it; None when none may."""
    rebuilt: list[Array | None] = []
    for i in range(len(values)):
        allowed = [j for j in range(len(values)) if may_rebuild(support, i, j)]
        weights = [math.exp(queries[i] @ keys[j]) for j in allowed]
        parts = [w / sum(weights) * values[j] for w, j in zip(weights, allowed, strict=True)]
        rebuilt.append(sum(parts, np.zeros(values.shape[1])) if allowed else None)
    return rebuilt


def layer_norm(x: Array, gain: Array, offset: Array) -> Array:
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5) * gain + offset


def literal_text_loss(rebuilt: list[Array | None], texts: Array, log_scale: float, told: Array | None = None) -> float:
    """Half of: each rebuilt clip finds its text among the texts, each text its clip among the rebuilt clips."""
    has_text = [True] * len(texts) if told is None else [bool(x) for x in told]
    pairs = [i for i, g in enumerate(rebuilt) if g is not None and has_text[i]]

    def score(i: int, j: int) -> float:
        g = rebuilt[i]
        assert g is not None
        return math.exp(math.exp(log_scale) * float(g @ texts[j]))

    total = 0.0
    for i in pairs:
        total -= math.log(score(i, i) / sum(score(i, j) for j in range(len(texts)) if has_text[j]))
        total -= math.log(score(i, i) / sum(score(j, i) for j in range(len(texts)) if rebuilt[j] is not None))
    return 0.5 * total / max(len(pairs), 1)


def literal_loss(method: Cir, batch: Batch, support: str) -> tuple[float, float, float]:
    """L_c, L_rc and L_rt from the method's weights."""
    w = {name: value.numpy() for name, value in method.state_dict().items()}

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    label = batch.label.numpy()
    x = np.concatenate([e.detach().numpy() for e in method.model.embed(*batch[:3])], axis=1)
    rebuilt = rebuild(x, x, x, support)
    kept = [i for i, g in enumerate(rebuilt) if g is not None]
    l_rc = 0.0
    if kept:
        l_rc = cross_entropy(linear(np.array([rebuilt[i] for i in kept]), "model.classifier"), label[kept])

    u = linear(np.maximum(linear(batch.text_visual.numpy(), "text.0"), 0), "text.2")
    v, u = (np.stack([row / np.linalg.norm(row) for row in z]) for z in (x, u))
    q, k = (layer_norm(linear(v, name), w["norm.weight"], w["norm.bias"]) for name in ("query", "key"))
    told = None if batch.narrated is None else batch.narrated[:, 0].numpy()
    l_rt = literal_text_loss(rebuild(q, k, v, support), u, float(w["log_scale"]), told)
    return cross_entropy(linear(x, "model.classifier"), label), l_rc, l_rt


@pytest.mark.parametrize("support", get_args(Support))
def test_loss_equals_its_formula(support: Support) -> None:
    method = cir(support)
    l_c, l_rc, l_rt = literal_loss(method, BATCH, support)
    assert method(BATCH).item() == pytest.approx(l_c + 0.5 * l_rc + l_rt, rel=1e-9)


def test_clips_without_a_narration_are_no_texts_but_still_rebuild() -> None:
    narrated = torch.tensor([[True, True], [False, True]] * 4)
    batch = BATCH._replace(narrated=narrated)
    method = cir()
    l_c, l_rc, l_rt = literal_loss(method, batch, "other")
    assert method(batch).item() == pytest.approx(l_c + 0.5 * l_rc + l_rt, rel=1e-9)
    assert l_rt != literal_loss(method, BATCH, "other")[2]


def test_gradients_of_the_action_loss() -> None:
    method = cir()
    h = method.model.classifier
    weight, bias, label = h.weight.detach().numpy(), h.bias.detach().numpy(), BATCH.label
    excluded = excluded_supports("other", BATCH.scenario, BATCH.location)

    def slow(x: Array) -> float:
        return cross_entropy(np.array(rebuild(x, x, x, "other")) @ weight.T + bias, label.numpy())

    x = np.random.default_rng(0).standard_normal((8, 3 * SPEC.out)) * 0.5
    assert_same_value_and_gradients(lambda t: method.action_loss(t, label, excluded), slow, [x])


def test_gradients_of_the_text_loss() -> None:
    method = cir()
    w = {name: value.numpy() for name, value in method.state_dict().items()}
    excluded = excluded_supports("other", BATCH.scenario, BATCH.location)

    def slow(x: Array, text: Array) -> float:
        v, u = (np.stack([row / np.linalg.norm(row) for row in z]) for z in (x, text))
        q, k = (
            layer_norm(v @ w[f"{n}.weight"].T + w[f"{n}.bias"], w["norm.weight"], w["norm.bias"])
            for n in ("query", "key")
        )
        return literal_text_loss(rebuild(q, k, v, "other"), u, float(w["log_scale"]))

    arrays = [np.random.default_rng(seed).standard_normal((8, 3 * SPEC.out)) for seed in (1, 2)]
    told = torch.ones(8, dtype=torch.bool)
    assert_same_value_and_gradients(lambda x, t: method.text_loss(x, t, excluded, told), slow, arrays, atol=1e-6)


@pytest.mark.parametrize("support", [s for s in get_args(Support) if s != "all"])
def test_no_clip_ever_rebuilds_itself(support: Support) -> None:
    # Scores far above the 1000 that the released code subtracts.
    score = 1e4 * torch.eye(8) + torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    excluded = excluded_supports(support, BATCH.scenario, BATCH.location)
    weights = attention(score, excluded)
    assert torch.equal(weights.diagonal(), torch.zeros(8))
    assert torch.equal(weights[excluded], torch.zeros(int(excluded.sum())))
    torch.testing.assert_close(weights.sum(dim=1), (~excluded.all(dim=1)).float())
    allowed = [[may_rebuild(support, i, j) for j in range(8)] for i in range(8)]
    assert (~excluded).tolist() == allowed


def test_a_clip_without_supports_is_left_out() -> None:
    """One scenario only: with OS nobody may rebuild anybody, and CIR is the baseline."""
    alone = BATCH._replace(scenario=torch.zeros(8, dtype=torch.int64))
    method = cir("OS")
    loss = method(alone)
    logits = method.logits(alone, torch.ones(8, 3)).detach().numpy()
    assert loss.item() == pytest.approx(cross_entropy(logits, alone.label.numpy()), rel=1e-9)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_the_default_mask_does_not_look_at_domains() -> None:
    other = BATCH._replace(scenario=BATCH.scenario.roll(3), location=BATCH.location.roll(1))
    assert torch.equal(cir()(BATCH), cir()(other))
    assert not torch.equal(cir("OS")(BATCH), cir("OS")(other))


def test_a_test_uses_the_network_alone() -> None:
    method = cir()
    scale = torch.ones(8, 3)
    assert torch.equal(method.logits(BATCH, scale), method.model(*BATCH[:3], scale))


def test_attention_stays_in_float32_under_autocast() -> None:
    method = cir().float()
    x, text = torch.randn(8, 3 * SPEC.out), torch.randn(8, 3 * SPEC.out)
    excluded, told = excluded_supports("other", BATCH.scenario, BATCH.location), torch.ones(8, dtype=torch.bool)
    plain = method.action_loss(x, BATCH.label, excluded), method.text_loss(x, text, excluded, told)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(method.action_loss(x, BATCH.label, excluded), plain[0])
        assert torch.equal(method.text_loss(x, text, excluded, told), plain[1])


def test_an_unknown_support_set_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown support set 'OX': choose one of all, other, OS"):
        Cir(SPEC, support="OX")  # type: ignore[arg-type]


def test_similarity_scale_starts_at_one_over_007() -> None:
    assert cir().log_scale.exp().item() == pytest.approx(1 / 0.07)
