"""Mixup (Zhang et al., ICLR 2018) of the clips' features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Beta

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import erm_loss
from trainer.methods.head_spec import HeadSpec


class Mixup(nn.Module):
    """Cross entropy on lam * x_i + (1 - lam) * x_j, mixed alike; lam ~ Beta(alpha, alpha).

    One lam and one permutation a batch, the same for all modalities; what is hidden of clip i stays hidden.

    Args:
        alpha: 0.2, DomainBed's; the ARGO1M baselines searched 0.1, 0.2 and 0.5.

    The loss is of mixed clips only, and a mean; the ARGO1M release divides that mean by the batch size once more.
    """

    def __init__(self, spec: HeadSpec, *, alpha: float = 0.2) -> None:
        super().__init__()
        self.model = spec.model()
        self.alpha = alpha

    def forward(self, batch: Batch) -> Tensor:
        lam = float(Beta(self.alpha, self.alpha).sample())
        return self.mixed_loss(batch, lam, torch.randperm(len(batch.label)).to(batch.label.device))

    def mixed_loss(self, batch: Batch, lam: float, partner: Tensor) -> Tensor:
        """The loss for a given lam and a partner for every clip (int64 [B])."""
        inputs = (batch.appearance, batch.motion, batch.audio)
        logits = self.model(*(lam * x + (1 - lam) * x[partner] for x in inputs), fusion_scale(batch))
        return lam * erm_loss(logits, batch.label) + (1 - lam) * erm_loss(logits, batch.label[partner])

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)
