"""Empirical risk minimisation: cross entropy on the fused logits, the baseline of every comparison."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def erm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of logits [N, K] against labels [N] int64; a scalar."""
    return F.cross_entropy(logits, labels)


def consistency_scale(consistency: Tensor) -> Tensor:
    """The paper's weighting of audio by r: [N] in 0..1 -> scale [N, 3] = (1, 1, r) for (ap, m, a).

    r = 1 is no weighting. It acts on the fused input only, in training only.
    """
    visual = torch.ones_like(consistency)
    return torch.stack([visual, visual, consistency], dim=1)
