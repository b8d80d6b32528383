"""What every method must do, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch

from tests.trainer.methods.toy import SPEC, toy_batch
from trainer.methods.method import LooksAhead, Method
from trainer.methods.table import METHODS
from trainer.models.fusion import FusedModel, LayerOrder, Modalities

SMALLER = {
    "cir": {"key_dim": 6, "text_hidden": 9},
    "simmmdg": {"hidden": 10, "contrast_dim": 6, "classifier_hidden": 10},
    "dann": {"hidden": 9},
    "doprompt": {"prompt_dim": 3, "hidden": 9},
}
BATCH = toy_batch()


def built(name: str, modalities: Modalities = "ap+mo+au", order: LayerOrder = "fc-relu-bn") -> Method:
    torch.manual_seed(0)
    method = METHODS[name](replace(SPEC, modalities=modalities, order=order), **SMALLER.get(name, {}))
    if isinstance(method, LooksAhead):
        method.begin_epoch([BATCH])
    return method


def loss_without_noise(method: Method) -> float:
    torch.manual_seed(1)
    with torch.no_grad():
        return float(method(BATCH))


@pytest.mark.parametrize("name", METHODS)
def test_a_few_steps_lower_the_loss(name: str) -> None:
    method = built(name)
    before = loss_without_noise(method)
    optimiser = torch.optim.Adam(method.parameters(), lr=3e-3)
    for _ in range(15):
        optimiser.zero_grad()
        method(BATCH).backward()
        optimiser.step()
    assert loss_without_noise(method) < before - 0.1


@pytest.mark.parametrize("order", get_args(LayerOrder))
@pytest.mark.parametrize("modalities", get_args(Modalities))
@pytest.mark.parametrize("name", METHODS)
def test_every_setting_trains_all_its_parameters_and_scores_clips(
    name: str, modalities: Modalities, order: LayerOrder
) -> None:
    method = built(name, modalities, order)
    visible = torch.ones(24, 3)
    visible[::5, :2] = 0
    visible[::7, 2] = 0
    narrated = torch.ones(24, 2, dtype=torch.bool)
    narrated[::6, 0] = False
    narrated[::4, 1] = False
    loss = method(BATCH._replace(visible=visible, narrated=narrated))
    assert loss.shape == ()
    loss.backward()
    assert isinstance(method.model, FusedModel)
    for p in method.parameters():
        assert p.grad is not None
        assert p.grad.isfinite().all()
    scores = method.eval().logits(BATCH, torch.ones(24, 3))
    assert scores.shape == (24, SPEC.classes)


@pytest.mark.parametrize("name", METHODS)
def test_scores_read_the_features_and_the_scale_only(name: str) -> None:
    method = built(name).eval()
    scale = torch.ones(24, 3)
    wrong = BATCH._replace(label=BATCH.label.flip(0), scenario=BATCH.scenario * 0, location=BATCH.location * 0)
    nothing = torch.empty(0)
    bare = wrong._replace(r=nothing, text_visual=nothing, text_audio=nothing)
    assert torch.equal(method.logits(bare, scale), method.logits(BATCH, scale))
    scale[:, 2] = 0
    deaf = BATCH._replace(audio=torch.zeros_like(BATCH.audio))
    torch.testing.assert_close(method.logits(deaf, scale), method.logits(BATCH, scale))


@pytest.mark.parametrize("name", METHODS)
def test_autocast_gives_a_float32_loss_near_the_plain_one(name: str) -> None:
    method = built(name)
    plain = loss_without_noise(method)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = method(BATCH)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain, rel=0.05)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_method_goes_on_as_it_was(name: str) -> None:
    method = built(name)
    torch.manual_seed(2)
    other = METHODS[name](SPEC, **SMALLER.get(name, {}))
    other.load_state_dict(method.state_dict())
    assert loss_without_noise(other) == loss_without_noise(method)


@pytest.mark.parametrize("name", METHODS)
def test_inputs_stay_as_they_are(name: str) -> None:
    batch = BATCH._replace(visible=torch.ones(24, 3), narrated=torch.ones(24, 2, dtype=torch.bool))
    before = [x.clone() for x in batch if x is not None]
    built(name)(batch).backward()
    assert all(torch.equal(x, y) for x, y in zip(before, batch, strict=True))


def test_the_three_modality_network_is_the_one_that_checkpoints_and_exports_know() -> None:
    for name in METHODS:
        method = built(name)
        if name in {"doprompt", "simmmdg"}:  # wider inputs, and a hidden layer in the classifier
            continue
        plain = FusedModel(10, 6, 5, SPEC.hidden, SPEC.out, SPEC.classes)
        plain.load_state_dict(method.model.state_dict())
        scale = torch.rand(24, 3)
        assert torch.equal(plain.eval()(*BATCH[:3], scale), method.eval().logits(BATCH, scale))
