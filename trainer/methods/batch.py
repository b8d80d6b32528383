"""What a method sees of a batch of clips."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """B clips on one device. `logits` of a method reads appearance, motion and audio only."""

    appearance: Tensor
    """float [B, 3A], rows in time order."""
    motion: Tensor
    """float [B, 3M]"""
    audio: Tensor
    """float [B, D], zeros without sound."""
    label: Tensor
    """int64 [B]"""
    scenario: Tensor
    """int64 [B], 0 <= scenario < HeadSpec.scenarios."""
    location: Tensor
    """int64 [B], 0 <= location < HeadSpec.locations."""
    r: Tensor
    """float [B], consistency of the two narrations, 0..1."""
    text_visual: Tensor
    """float [B, T], embedded visual narrations."""
    text_audio: Tensor
    """float [B, T], embedded audio narrations."""
    visible: Tensor | None = None
    """float [B, 3] of 0 and 1 for (ap, m, a): without sound or dropped (`drop_modalities`); None: all is visible."""
    narrated: Tensor | None = None
    """bool [B, 2]: has a visual narration; has sound and an audio narration. None: every clip has both."""


def fusion_scale(batch: Batch, weight_by_r: bool = False) -> Tensor:
    """Factors of (ap, m, a) before the concatenation in training: [B, 3], what is visible, times r on audio."""
    ones = torch.ones_like(batch.r)
    scale = torch.stack([ones, ones, batch.r if weight_by_r else ones], dim=1)
    return scale if batch.visible is None else scale * batch.visible
