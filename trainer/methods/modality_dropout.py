"""Modality dropout: whole modalities are hidden in training, so that the head also works when a sensor is gone."""

from __future__ import annotations

import torch
from torch import Tensor


def drop_modalities(batch: int, p_video: float, p_audio: float, generator: torch.Generator) -> Tensor:
    """Draw what each clip of a batch may see.

    Args:
        batch: number of clips N.
        p_video: probability that video (appearance and motion) is hidden.
        p_audio: probability that audio is hidden; never both, so p_video + p_audio <= 1.
        generator: source of randomness (CPU).

    Returns:
        [N, 3] float of 0 and 1 for (ap, m, a); multiply it with any other scale.
    """
    if p_video < 0 or p_audio < 0 or p_video + p_audio > 1:
        raise ValueError(f"p_video {p_video} and p_audio {p_audio} must be >= 0 with a sum of at most 1")
    draw = torch.rand(batch, generator=generator)
    hides_video = draw < p_video
    hides_audio = (draw >= p_video) & (draw < p_video + p_audio)
    visible = torch.stack([~hides_video, ~hides_video, ~hides_audio], dim=1)
    return visible.float()
