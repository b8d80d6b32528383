"""Supervised contrastive learning (Khosla et al., NeurIPS 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.methods.full_precision import full_precision
from trainer.methods.info_nce import LOWEST, mean_over


@full_precision
def unit_rows(x: Tensor) -> Tensor:
    """Rows of x [N, D] at unit length."""
    return F.normalize(x, dim=1)


@full_precision
def supervised_contrastive_loss(
    z: Tensor, label: Tensor, temperature: float = 0.1, base_temperature: float = 0.07
) -> Tensor:
    """Mean over anchors i of -(T / T0) * mean over the others j of its label of log softmax_{k != i}(z_i . z_k / T)[j].

    Args:
        z: [N, D], of unit length. label: int64 [N].
        temperature, base_temperature: T and T0; SimMMDG keeps T / T0 = 1.43.

    Returns:
        Scalar; anchors without another row of their label are left out.
    """
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similarity = (z @ z.T / temperature).masked_fill(itself, LOWEST)
    positive = (label[:, None] == label) & ~itself
    count = positive.sum(dim=1)
    log_share = torch.where(positive, similarity.log_softmax(dim=1), 0.0).sum(dim=1) / count.clamp(min=1)
    return -temperature / base_temperature * mean_over(log_share, count > 0)
