from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainer.models.seeded import seed_weights, seeded_state, uniform
from trainer.models.beats import Beats, _relative_buckets, beats_base, beats_small
from trainer.models.beats_checkpoint import EXPECTED_CONFIG, load_beats
from trainer.models.checkpoint_file import CheckpointError

REFERENCE = Path(__file__).with_name("beats_reference.json")
CLASSES = 20
SIZES = {
    "small": {"dim": 192, "layers": 3, "heads": 4, "ffn": 512, "patch_embed": 128},
    "base": {"dim": 768, "layers": 12, "heads": 12, "ffn": 3072, "patch_embed": 512},
}


def fbank(frames: int = 211) -> Tensor:
    return torch.from_numpy(uniform("fbank", (1, frames, 128))).float() * 0.5


def official_checkpoint(size: str, finetuned: bool) -> dict[str, Any]:
    """A checkpoint as the project publishes it: its configuration, names and weight normalisation; formula weights."""
    sizes = SIZES[size]
    config = {
        **EXPECTED_CONFIG,
        "embed_dim": sizes["patch_embed"],
        "encoder_layers": sizes["layers"],
        "encoder_embed_dim": sizes["dim"],
        "encoder_ffn_embed_dim": sizes["ffn"],
        "encoder_attention_heads": sizes["heads"],
        "dropout": 0.1,
        "finetuned_model": finetuned,
        "predictor_class": CLASSES,
    }
    with torch.device("meta"):
        shapes = Beats(**sizes, num_classes=CLASSES if finetuned else None).state_dict()
    position = shapes.pop("encoder.pos_conv.0.weight")
    shapes["encoder.pos_conv.0.weight_g"] = position.new_empty(1, 1, position.shape[2])
    shapes["encoder.pos_conv.0.weight_v"] = position
    state = seeded_state(shapes)
    bias = "self_attn.relative_attention_bias.weight"
    for layer in range(1, sizes["layers"]):
        state[f"encoder.layers.{layer}.{bias}"] = state[f"encoder.layers.0.{bias}"]
    return {"cfg": config, "model": state}


@pytest.mark.parametrize("size", ["small", pytest.param("base", marks=pytest.mark.slow)])
@pytest.mark.parametrize("finetuned", [False, True])
def test_a_loaded_checkpoint_gives_the_reference_numbers(tmp_path: Path, size: str, finetuned: bool) -> None:
    torch.save(official_checkpoint(size, finetuned), tmp_path / "beats.pt")
    net = load_beats(tmp_path / "beats.pt").eval()
    expected = json.loads(REFERENCE.read_text())[size]
    with torch.inference_mode():
        embedding = net(fbank())
        if finetuned:
            scores = net.classify(embedding).sigmoid()
            np.testing.assert_allclose(scores[0], expected["scores"], atol=1e-5)
        else:
            np.testing.assert_allclose(embedding[0], expected["embedding"], atol=1e-5)


def test_a_changed_weight_changes_the_numbers() -> None:
    net = beats_small()
    seed_weights(net)
    before = net.eval()(fbank())
    with torch.no_grad():
        net.encoder.layers[2].self_attn.grep_a.add_(0.5)  # type: ignore[union-attr, operator]
    assert not torch.allclose(before, net(fbank()), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["cfg"].update(deep_norm=False), "deep_norm is False"),
        (lambda c: c["model"].pop("encoder.layers.1.fc1.weight"), "lacks weight 'encoder.layers.1.fc1.weight'"),
        (lambda c: c["model"].update(extra=torch.zeros(1)), "unknown weight 'extra'"),
        (lambda c: c["model"].update({"layer_norm.bias": torch.zeros(7)}), "another shape of weight 'layer_norm.bias'"),
        (lambda c: c.pop("cfg"), "no entry 'cfg'"),
        (
            lambda c: c["model"].update(
                {"encoder.layers.1.self_attn.relative_attention_bias.weight": torch.zeros(320, 4)}
            ),
            "differs from layer 0's",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    checkpoint = official_checkpoint("small", finetuned=False)
    change(checkpoint)
    torch.save(checkpoint, tmp_path / "beats.pt")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_beats(tmp_path / "beats.pt")
    assert "\n" not in str(caught.value)


def test_far_positions_share_buckets_and_near_ones_do_not() -> None:
    buckets = _relative_buckets(1000)
    assert buckets[0, :80].tolist() == [0, *range(161, 240)]
    assert buckets[:80, 0].tolist() == list(range(80))
    assert buckets[0, 799] == buckets[0, 999] == 319
    assert buckets.min() == 0
    assert (buckets[0, 1:].diff() >= 0).all()


def test_attention_logits_survive_half_precision() -> None:
    """Logits of more than 65504 overflow in FP16 without the guard."""
    net = beats_small()
    seed_weights(net)
    attention = net.encoder.layers[0].self_attn  # type: ignore[union-attr]
    with torch.no_grad():
        for linear in (attention.q_proj, attention.k_proj):  # type: ignore[union-attr]
            linear.weight.mul_(130)  # type: ignore[union-attr, operator]
    tokens = torch.from_numpy(uniform("tokens", (1, 24, 192))).half()
    bias = torch.zeros(1, 4, 24, 24, dtype=torch.half)
    query = attention._split(attention.q_proj.half()(tokens)).float()  # type: ignore[union-attr, operator]
    key = attention._split(attention.k_proj.half()(tokens)).float()  # type: ignore[union-attr, operator]
    logits = query @ key.transpose(2, 3) * 48**-0.5
    assert logits.abs().max() > 65504
    assert attention.half()(tokens, bias).isfinite().all()  # type: ignore[union-attr, operator]


def test_sizes() -> None:
    with torch.device("meta"):
        base, small = beats_base(), beats_small()
    assert round(sum(p.numel() for p in base.parameters()) / 1e6, 1) == 90.3
    assert 1.0e6 < sum(p.numel() for p in small.parameters()) < 1.5e6


def test_dropout_acts_in_training_only() -> None:
    net = beats_small(dropout=0.5)
    seed_weights(net)
    assert not torch.equal(net.train()(fbank(64)), net(fbank(64)))
    assert torch.equal(net.eval()(fbank(64)), net(fbank(64)))


def test_every_parameter_receives_a_gradient() -> None:
    net = beats_small(num_classes=3)
    net.classify(net.train()(fbank(64))).square().sum().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []
