"""InfoNCE between embeddings and the narrations that belong to them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone

LOWEST = -1e9
"""In place of a similarity that must not count; finite, so that a row without any candidate makes no NaN."""


@full_precision
def info_nce(
    x: Tensor, t: Tensor, log_temperature: Tensor, told: Tensor | None = None, gather: Gather = alone
) -> Tensor:
    """InfoNCE between paired rows, both directions summed (ICASSP 2025, equation 1 and its prose).

    The printed equation has no clear negatives; the prose says: texts for an embedding, embeddings for a text.

    Args:
        x: [N, D] embeddings of one modality. t: [N, D] embeddings of their narrations; row i belongs to row i.
        log_temperature: scalar; similarities are cosines divided by exp(log_temperature).
        told: bool [N], rows that have a narration; the others are neither anchors nor negatives. None: all.
        gather: brings the rows of all ranks together.

    Returns:
        Scalar: mean over told i of -log softmax_j(x_i . t_j / tau)[i] - log softmax_j(x_j . t_i / tau)[i]; 0 without
        any told row.
    """
    told = torch.ones(len(x), dtype=torch.bool, device=x.device) if told is None else told
    x, t, told = gather(F.normalize(x, dim=1)), gather(F.normalize(t, dim=1)), gather(told)
    similarity = x @ t.T / log_temperature.exp()
    return paired_cross_entropy(similarity, told, told) + paired_cross_entropy(similarity.T, told, told)


def paired_cross_entropy(similarity: Tensor, anchors: Tensor, candidates: Tensor) -> Tensor:
    """Mean over the anchors i of -log softmax_j(similarity[i, j])[i], j over the candidates; 0 without anchors.

    Args:
        similarity: [N, N]. anchors, candidates: bool [N]; every anchor is a candidate.
    """
    pair = torch.arange(len(similarity), device=similarity.device)
    loss = F.cross_entropy(similarity.masked_fill(~candidates, LOWEST), pair, reduction="none")
    return mean_over(loss, anchors)


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of `values` [N] where `chosen` (bool [N]); 0 when none is."""
    return torch.where(chosen, values, 0.0).sum() / chosen.sum().clamp(min=1)
