"""CORAL (Sun and Saenko, ECCV 2016): mean and covariance of the fused embedding, alike in all domains."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.domain_groups import membership, pairs_above
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone
from trainer.methods.head_spec import HeadSpec


@full_precision
def coral_loss(x: Tensor, domain: Tensor, domains: int) -> Tensor:
    """Sum over pairs of domains of mean_d (mu_i - mu_j)^2 + mean_dd' (C_i - C_j)^2, C with n - 1.

    Args:
        x: [N, D]. domain: int64 [N], 0 <= domain < domains; those with fewer than two clips are left out.

    The squared distance of covariances is expanded into products of clips (N x N), so that no D x D matrix is made.
    """
    member = membership(domain, domains)
    count = member.sum(dim=0)
    chosen = pairs_above(count >= 2)
    one_hot = member.to(x.dtype)
    means = (one_hot / count.clamp(min=1)).T @ x
    mean_gap = (means[:, None] - means).square().mean(dim=2)

    centred = x - means[domain]
    weight = one_hot / (count - 1).clamp(min=1)
    products = weight.T @ (centred @ centred.T).square() @ weight  # [i, j]: sum over dd' of C_i * C_j
    own = products.diagonal()
    covariance_gap = (own[:, None] + own - 2 * products) / x.shape[1] ** 2
    return torch.where(chosen, mean_gap + covariance_gap, 0.0).sum()


class Coral(nn.Module):
    """L = L_c + scenario_weight * CORAL over scenarios + location_weight * CORAL over locations.

    Args:
        scenario_weight, location_weight: the ARGO1M baselines searched 0.1, 0.5 and 1; the chosen one is not known.
        gather: brings the clips of all ranks together.
    """

    def __init__(
        self, spec: HeadSpec, *, scenario_weight: float = 0.1, location_weight: float = 0.1, gather: Gather = alone
    ) -> None:
        super().__init__()
        self.model = spec.model()
        self.scenarios, self.locations = spec.scenarios, spec.locations
        self.scenario_weight, self.location_weight, self.gather = scenario_weight, location_weight, gather

    def forward(self, batch: Batch) -> Tensor:
        own = self.model.fuse(self.model.embed(batch.appearance, batch.motion, batch.audio), fusion_scale(batch))
        x = self.gather(own)
        by_scenario = coral_loss(x, self.gather(batch.scenario), self.scenarios)
        by_location = coral_loss(x, self.gather(batch.location), self.locations)
        loss = erm_loss(self.model.classifier(own), batch.label)
        return loss + self.scenario_weight * by_scenario + self.location_weight * by_location

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)
