"""A small head and a batch of clips for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch
from trainer.methods.head_spec import HeadSpec

SPEC = HeadSpec(
    appearance_dim=10, motion_dim=6, audio_dim=5, classes=4, scenarios=3, locations=2, text_dim=7, hidden=12, out=8
)
ALL_VISIBLE = torch.ones(1, 3)


def toy_batch(clips: int = 24, seed: int = 0, dtype: torch.dtype = torch.float32) -> Batch:
    """Labels, scenarios and locations cycle; features and texts follow the label, with noise."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(clips) % SPEC.classes

    def follow(width: int) -> Tensor:
        means = torch.randn(SPEC.classes, width, generator=generator)
        return (means[label] + 0.5 * torch.randn(clips, width, generator=generator)).to(dtype)

    return Batch(
        appearance=follow(SPEC.appearance_dim),
        motion=follow(SPEC.motion_dim),
        audio=follow(SPEC.audio_dim),
        label=label,
        scenario=torch.arange(clips) // 2 % SPEC.scenarios,
        location=torch.arange(clips) // 3 % SPEC.locations,
        r=torch.rand(clips, generator=generator).to(dtype),
        text_visual=follow(SPEC.text_dim),
        text_audio=follow(SPEC.text_dim),
    )


def settle(method: nn.Module, seed: int = 0) -> nn.Module:
    """In float64 and eval mode (a formula without dropout), with BatchNorm that is not the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in method.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5, generator=generator)  # type: ignore[union-attr]
            nn.init.uniform_(module.bias, -0.3, 0.3, generator=generator)
    return method.double().eval()
