"""The paper's objective (ICASSP 2025, section 3): classification plus alignment of modalities with narrations."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

INITIAL_LOG_TEMPERATURE = math.log(0.07)  # CLIP's and CIR's start; the paper learns it and gives no value


def info_nce(x: Tensor, t: Tensor, log_temperature: Tensor) -> Tensor:
    """InfoNCE between paired rows, both directions summed (equation 1 and its prose).

    Args:
        x: [N, D] embeddings of one modality. t: [N, D] embeddings of their narrations; row i belongs to row i.
        log_temperature: scalar; similarities are cosines divided by exp(log_temperature).

    Returns:
        Scalar: mean over i of -log softmax_j(x_i . t_j / tau)[i] - log softmax_j(x_j . t_i / tau)[i].
    """
    similarity = F.normalize(x, dim=1) @ F.normalize(t, dim=1).T / log_temperature.exp()
    pair = torch.arange(len(x), device=x.device)
    return F.cross_entropy(similarity, pair) + F.cross_entropy(similarity.T, pair)


def narration_aligned_loss(
    logits: Tensor,
    labels: Tensor,
    embeddings: tuple[Tensor, Tensor, Tensor],
    text_visual: Tensor,
    text_audio: Tensor,
    log_temperature: Tensor,
    weight: float = 0.1,
) -> Tensor:
    """Cross entropy + weight * (InfoNCE(ap, t) + InfoNCE(m, t) + InfoNCE(a, t_audio)).

    Args:
        logits: [N, K] of the fused model, with audio weighted by the consistency r. labels: [N] int64.
        embeddings: (ap, m, a), each [N, D], before any scale.
        text_visual, text_audio: [N, D] encoded visual and audio narrations.
        log_temperature: learnable scalar. weight: lambda of the paper.

    Returns:
        Scalar.
    """
    appearance, motion, audio = embeddings
    alignment = (
        info_nce(appearance, text_visual, log_temperature)
        + info_nce(motion, text_visual, log_temperature)
        + info_nce(audio, text_audio, log_temperature)
    )
    return F.cross_entropy(logits, labels) + weight * alignment
