from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.contract import HEAD_MASK
from tests.trainer.models.seeded import seed_weights, uniform
from trainer.models.fusion import (
    MODALITIES,
    STREAMS,
    FusedModel,
    LayerOrder,
    Modalities,
    ModalityEncoder,
    TextEncoder,
)


def clip_inputs(batch: int) -> tuple[Tensor, Tensor, Tensor]:
    appearance, motion, audio = (
        torch.from_numpy(uniform(name, (batch, dim))).float()
        for name, dim in (("appearance", 12), ("motion", 9), ("audio", 5))
    )
    return appearance, motion, audio


def fused_model(order: LayerOrder = "fc-relu-bn") -> FusedModel:
    net = FusedModel(12, 9, 5, hidden=8, out=6, classes=4, order=order)
    seed_weights(net)
    return net


def two_layers(encoder: ModalityEncoder, x: NDArray, order: LayerOrder, batch_statistics: bool) -> NDArray:
    """The encoder written out: FC, ReLU, BatchNorm (paper) or FC, BatchNorm, ReLU (CIR's code)."""
    modules = list(encoder.layers)
    linears = [m for m in modules if isinstance(m, nn.Linear)]
    norms = [m for m in modules if isinstance(m, nn.BatchNorm1d)]
    for linear, norm in zip(linears, norms, strict=True):
        weight, bias, gamma, beta = (p.detach().numpy() for p in (linear.weight, linear.bias, norm.weight, norm.bias))
        x = x @ weight.T + bias
        if order == "fc-relu-bn":
            x = np.maximum(x, 0)
        if batch_statistics:
            mean, var = x.mean(axis=0), x.var(axis=0)
        else:
            mean, var = norm.running_mean.numpy(), norm.running_var.numpy()  # type: ignore[union-attr]
        x = (x - mean) / np.sqrt(var + 1e-5) * gamma + beta
        if order != "fc-relu-bn":
            x = np.maximum(x, 0)
    return x


@pytest.mark.parametrize("order", ["fc-relu-bn", "fc-bn-relu-dropout"])
def test_logits_equal_the_model_written_out(order: LayerOrder) -> None:
    net = fused_model(order).eval()
    inputs = clip_inputs(7)
    consistency = np.linspace(0, 1, 7)[:, None]
    scale = torch.ones(7, 3)
    scale[:, 2:] = torch.from_numpy(consistency)
    encoders = (net.f_appearance, net.f_motion, net.f_audio)
    ap, m, a = (two_layers(e, x.numpy(), order, False) for e, x in zip(encoders, inputs, strict=True))
    h = net.classifier
    expected = np.concatenate([ap, m, consistency * a], axis=1) @ h.weight.detach().numpy().T + h.bias.detach().numpy()
    np.testing.assert_allclose(net(*inputs, scale).detach(), expected, atol=1e-5)


def test_training_uses_batch_statistics() -> None:
    net = fused_model().train()
    appearance, _, _ = clip_inputs(16)
    expected = two_layers(net.f_appearance, appearance.numpy(), "fc-relu-bn", batch_statistics=True)
    np.testing.assert_allclose(net.f_appearance(appearance).detach(), expected, atol=1e-4)


def test_masked_rows_equal_a_batch_of_scaled_copies() -> None:
    net = fused_model().eval()
    inputs = clip_inputs(1)
    mask = torch.from_numpy(HEAD_MASK)
    rows = net.masked_rows(*inputs, mask)
    expected = net(*(x.expand(3, -1) for x in inputs), mask)
    torch.testing.assert_close(rows, expected)
    assert not torch.allclose(rows[0], rows[1])


def test_a_masked_modality_has_no_influence() -> None:
    net = fused_model().eval()
    appearance, motion, audio = clip_inputs(1)
    mask = torch.from_numpy(HEAD_MASK)
    rows, other = net.masked_rows(appearance, motion, audio, mask), net.masked_rows(appearance, motion, -audio, mask)
    assert torch.equal(rows[1], other[1])
    assert not torch.allclose(rows[0], other[0])
    rows, other = net.masked_rows(appearance, motion, audio, mask), net.masked_rows(-appearance, -motion, audio, mask)
    assert torch.equal(rows[2], other[2])


def test_scale_one_is_the_plain_concatenation() -> None:
    net = fused_model().eval()
    inputs = clip_inputs(5)
    plain = net.classifier(torch.cat(net.embed(*inputs), dim=1))
    assert torch.equal(net(*inputs, torch.ones(5, 3)), plain)


def test_dropout_is_in_cirs_order_only() -> None:
    assert not any(isinstance(m, nn.Dropout) for m in fused_model().modules())
    net = fused_model("fc-bn-relu-dropout")
    inputs, scale = clip_inputs(8), torch.ones(8, 3)
    assert torch.equal(net.eval()(*inputs, scale), net(*inputs, scale))
    assert not torch.equal(net.train()(*inputs, scale), net(*inputs, scale))


def test_text_encoder_is_the_same_two_layers() -> None:
    net = TextEncoder(12, hidden=8, out=6)
    seed_weights(net)
    text, _, _ = clip_inputs(5)
    expected = two_layers(net.encoder, text.numpy(), "fc-relu-bn", batch_statistics=False)
    np.testing.assert_allclose(net.eval()(text).detach(), expected, atol=1e-5)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown layer order"):
        fused_model("bn-first")  # type: ignore[arg-type]


@pytest.mark.parametrize("modalities", ["ap", "mo", "au", "ap-mo", "ap+mo"])
def test_a_setting_sees_its_own_modalities_only(modalities: Modalities) -> None:
    net = FusedModel(12, 9, 5, hidden=8, out=6, classes=4, modalities=modalities).eval()
    inputs, scale = clip_inputs(3), torch.ones(3, 3)
    logits = net(*inputs, scale)
    used = {i for stream in STREAMS[modalities] for i in stream}
    for i in range(3):
        changed = [x * 2 - 1 if i == j else x for j, x in enumerate(inputs)]
        assert torch.equal(net(*changed, scale), logits) is (i not in used), MODALITIES[i]
        hidden = scale.clone()
        hidden[:, i] = 0
        assert torch.equal(net(*inputs, hidden), logits) is (i not in used), MODALITIES[i]


def test_early_fusion_is_one_encoder_on_both_inputs() -> None:
    net = FusedModel(12, 9, 5, hidden=8, out=6, classes=4, modalities="ap-mo").eval()
    appearance, motion, audio = clip_inputs(3)
    (embedding,) = net.embed(appearance, motion, audio)
    assert torch.equal(embedding, net.f_appearance_motion(torch.cat([appearance, motion], dim=1)))  # type: ignore[operator]
    assert net.classifier.in_features == 6  # type: ignore[union-attr]
    assert not any(name.startswith(("f_motion", "f_audio")) for name, _ in net.named_parameters())
    half = torch.tensor([[0.5, 0.5, 1.0]])
    assert torch.equal(net.fuse((embedding[:1],), half), embedding[:1] * 0.25)


def test_a_hidden_layer_in_the_classifier() -> None:
    net = FusedModel(12, 9, 5, hidden=8, out=6, classes=4, classifier_hidden=7).eval()
    inputs, scale = clip_inputs(3), torch.ones(3, 3)
    first, _, _, last = net.classifier  # type: ignore[misc]
    fused = torch.cat(net.embed(*inputs), dim=1)
    torch.testing.assert_close(net(*inputs, scale), last(first(fused).clamp(min=0)))


def test_unknown_modalities_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown modalities 'smell': choose one of ap, mo, au, ap-mo, ap\+mo"):
        FusedModel(12, 9, 5, 8, 6, 4, modalities="smell")  # type: ignore[arg-type]
