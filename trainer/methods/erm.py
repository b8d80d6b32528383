"""Empirical risk minimisation: cross entropy on the fused logits, the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.full_precision import full_precision
from trainer.methods.head_spec import HeadSpec

Criterion = Callable[[Tensor, Tensor], Tensor]
"""(logits [N, K], labels int64 [N]) -> scalar."""


@full_precision
def erm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of logits [N, K] against labels [N] int64; a scalar."""
    return F.cross_entropy(logits, labels)


class Erm(nn.Module):
    """The paper's baseline (tables 1 to 4); with `weight_by_r` its "weighted a by r" (section 2.2, table 4).

    Args:
        weight_by_r: scale audio by the consistency rating on its way into the classifier, in training only.
        criterion: `erm_loss` (the paper's) or `one_vs_all_loss`.
    """

    def __init__(self, spec: HeadSpec, *, weight_by_r: bool = False, criterion: Criterion = erm_loss) -> None:
        super().__init__()
        self.model = spec.model()
        self.weight_by_r = weight_by_r
        self.criterion = criterion

    def forward(self, batch: Batch) -> Tensor:
        logits = self.logits(batch, fusion_scale(batch, self.weight_by_r))
        return self.criterion(logits, batch.label)

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)
