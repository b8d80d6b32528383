from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from edge.contract import WindowSpec
from tests.trainer.models.seeded import seed_weights
from trainer.models.slowfast import SlowFast, slowfast_r50, slowfast_r101, slowfast_small
from trainer.models.video_net import VideoNet


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """pytorchvideo's hub models. It imports one detection operator of torchvision that SlowFast never uses."""
    torchvision, operators = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
    operators.RoIAlign = nn.Identity  # type: ignore[attr-defined]
    torchvision.ops = operators  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    monkeypatch.setitem(sys.modules, "torchvision.ops", operators)
    pytest.importorskip("pytorchvideo", reason="pytorchvideo, the reference implementation, is not installed")
    from pytorchvideo.models.hub import slowfast

    return slowfast


def rows(side_px: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    fast = torch.randn(batch, 3, 32, side_px, side_px, generator=torch.Generator().manual_seed(0))
    return fast[:, :, list(WindowSpec().slow_frames)], fast


def reference_outputs(net: nn.Module, slow: torch.Tensor, fast: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What Ego4D's extractor stores (the hub model without its head, averaged over positions), and the logits."""
    outputs: Any = [slow, fast]
    for block in net.blocks[:6]:  # type: ignore[index, union-attr]
        outputs = block(outputs)
    features = outputs.flatten(2).mean(2)
    return features, net.blocks[6](outputs)  # type: ignore[index, operator]


@pytest.mark.parametrize(
    ("build", "side_px"),
    [
        (slowfast_r50, 128),
        pytest.param(slowfast_r50, 256, marks=pytest.mark.slow),
        pytest.param(slowfast_r101, 256, marks=pytest.mark.slow),
    ],
)
def test_features_and_logits_equal_pytorchvideo(
    hub: types.ModuleType, build: Callable[..., SlowFast], side_px: int
) -> None:
    ours = build(num_classes=400, crop_px=side_px)
    seed_weights(ours)
    kernel_px = side_px // 32 - 1  # 7 at 256, the hub's default
    pools = ((8, kernel_px, kernel_px), (32, kernel_px, kernel_px))
    with torch.device("meta"):
        theirs = getattr(hub, build.__name__)(pretrained=False, head_pool_kernel_sizes=pools)
    theirs.load_state_dict(ours.state_dict(), strict=True, assign=True)
    slow, fast = rows(side_px)
    with torch.inference_mode():
        appearance, motion = ours.eval()(slow, fast)
        expected, expected_logits = reference_outputs(theirs.eval(), slow, fast)
    features = torch.cat([appearance, motion], dim=1)
    assert expected.abs().max() > 0.1, "the comparison needs features that are not all near zero"
    assert (features - expected).abs().max() <= 1e-4 * expected.abs().max()
    logits = ours.classify(appearance, motion)
    assert (logits - expected_logits).abs().max() <= 1e-4 * expected_logits.abs().max()


def test_r101_names_and_shapes_equal_pytorchvideo(hub: types.ModuleType) -> None:
    with torch.device("meta"):
        ours, theirs = slowfast_r101(num_classes=400), hub.slowfast_r101(pretrained=False)
    shapes = {name: tuple(value.shape) for name, value in ours.state_dict().items()}
    assert shapes == {name: tuple(value.shape) for name, value in theirs.state_dict().items()}


@pytest.mark.parametrize(("side_px", "weights"), [(128, [1, 2, 2, 1]), (256, [1, 2, 2, 2, 2, 2, 2, 1])])
def test_pooling_weighs_border_cells_less(side_px: int, weights: list[int]) -> None:
    net = SlowFast((1, 1, 1, 1), width=16, beta_inv=4, crop_px=side_px)
    cells = len(weights)
    features = torch.randn(2, 5, 8, cells, cells, generator=torch.Generator().manual_seed(1))
    weight = torch.tensor(weights) / sum(weights)
    expected = torch.einsum("ncthw,h,w->nc", features, weight, weight) / 8
    torch.testing.assert_close(net._pool(features, 8), expected, atol=1e-6, rtol=0)


def test_small_variant_has_the_promised_widths() -> None:
    net = slowfast_small(num_classes=5)
    appearance, motion = net.eval()(*rows(128, batch=2))
    assert appearance.shape == (2, net.appearance_dim) == (2, 512)
    assert motion.shape == (2, net.motion_dim) == (2, 128)
    assert net.classify(appearance, motion).shape == (2, 5)


def test_alpha_8_takes_four_slow_frames() -> None:
    net = SlowFast((1, 1, 1, 1), width=16, beta_inv=4, alpha=8, crop_px=64)
    video = VideoNet(net)
    assert video.slow_index.tolist() == [0, 10, 20, 31]
    appearance, _ = video.eval()(torch.zeros(1, 32, 64, 64, 3, dtype=torch.uint8))
    assert appearance.shape == (1, 512)


def test_lateral_connections_feed_motion_into_appearance_only() -> None:
    net = slowfast_small()
    seed_weights(net)
    slow, fast = rows(128)
    with torch.inference_mode():
        appearance, motion = net.eval()(slow, fast)
        other_appearance, other_motion = net(slow, fast.flip(2))
        _, motion_of_other_slow = net(slow.flip(2), fast)
    assert not torch.allclose(appearance, other_appearance)
    assert not torch.allclose(motion, other_motion)
    torch.testing.assert_close(motion, motion_of_other_slow)


def test_every_parameter_receives_a_gradient() -> None:
    net = slowfast_small(num_classes=3)
    seed_weights(net)
    net.classify(*net.train()(*rows(128))).square().sum().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


def test_video_net_normalises_and_picks_the_contract_frames() -> None:
    net = slowfast_small()
    seed_weights(net)
    frames = torch.randint(0, 256, (1, 32, 128, 128, 3), dtype=torch.uint8)
    fast = (frames.permute(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225
    slow = fast[:, :, list(WindowSpec().slow_frames)]
    with torch.inference_mode():
        for ours, expected in zip(VideoNet(net).eval()(frames), net(slow, fast), strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("arguments", [{"crop_px": 100}, {"crop_px": 32}, {"width": 20, "beta_inv": 8}])
def test_impossible_sizes_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"multiple of"):
        SlowFast((1, 1, 1, 1), **arguments)


def test_classify_without_a_head_is_refused() -> None:
    with pytest.raises(ValueError, match="no classification head"):
        slowfast_small().classify(torch.zeros(1, 512), torch.zeros(1, 128))
