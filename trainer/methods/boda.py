"""BoDA, Balanced Domain-class Distribution Alignment (Yang et al., "On Multi-Domain Long-Tailed Recognition", 2022)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.domain_groups import membership
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone
from trainer.methods.head_spec import HeadSpec

SMALLEST_SQUARE = 1e-12
"""Below it a squared distance has no gradient: that of its root would be infinite."""


@full_precision
def boda_loss(
    x: Tensor, label: Tensor, domain: Tensor, means: Tensor, counts: Tensor, in_batch: Tensor, power: float = 1.0
) -> Tensor:
    """Clips lie close to the means of their class in the other domains, and far from all other means.

    With z = x / |x|, means of unit length mu and e_i,c,d = exp(-lam * |z_i - mu_c,d| / (n_c,d + 1)), where
    lam = (n_c_i,d_i / (n_c,d + 1))^power, and 0 where n_c,d = 0:

        mean_i of -1 / (D_b - 1) * sum_{d != d_i} log(e_i,c_i,d / (sum_c,d e - e_i,c_i,d_i))

    over the D_b domains in the batch. Domains that never saw the clip's class are passed over in the inner sum.

    Args:
        x: [N, W]. label, domain: int64 [N]. means: [C, D, W]. counts: [C, D] clips behind each mean.
        in_batch: bool [D], domains of the batch (of all ranks).
    """
    classes, domains, width = means.shape
    row = torch.arange(len(x), device=x.device)
    z, mu = F.normalize(x, dim=1), F.normalize(means.reshape(-1, width), dim=1)
    squared = z.square().sum(1, keepdim=True) + mu.square().sum(1) - 2 * z @ mu.T
    distance = squared.clamp(min=SMALLEST_SQUARE).sqrt().reshape(-1, classes, domains) / (counts + 1)
    balance = (counts[label, domain][:, None, None] / (counts + 1)) ** power
    log_e = -balance * distance

    seen = (counts > 0).expand_as(log_e)
    own = torch.zeros_like(seen)
    own[row, label, domain] = True
    rest = seen & ~own
    log_sum = torch.where(rest, log_e, -torch.inf).flatten(1).logsumexp(dim=1)
    others = rest[row, label] & in_batch
    log_share = torch.where(others, log_e[row, label] - log_sum[:, None], 0.0)
    return -log_share.sum(dim=1).mean() / (in_batch.sum() - 1).clamp(min=1)


class DomainClassMeans(nn.Module):
    """A running mean embedding of every class in every domain: an exponential moving average over epochs."""

    def __init__(self, classes: int, domains: int, width: int, keep: float) -> None:
        super().__init__()
        self.keep = keep
        self.means: Tensor
        self.counts: Tensor
        self.register_buffer("means", torch.zeros(classes, domains, width))
        self.register_buffer("counts", torch.zeros(classes, domains))

    def update(self, sums: Tensor, counts: Tensor) -> None:
        """Take in an epoch: sums [C, D, W] and counts [C, D] of embeddings; a mean without clips among them stays."""
        fresh = sums / counts.clamp(min=1)[..., None]
        averaged = torch.where((self.counts > 0)[..., None], self.keep * self.means + (1 - self.keep) * fresh, fresh)
        self.means.copy_(torch.where((counts > 0)[..., None], averaged, self.means))
        self.counts.copy_(torch.where(counts > 0, counts, self.counts))


class Boda(nn.Module):
    """L = L_c + scenario_weight * BoDA over scenarios + location_weight * BoDA over locations.

    Args:
        scenario_weight, location_weight: the ARGO1M baselines searched 0.1, 0.5 and 1; the chosen one is not known.
        epoch_share: share of the training clips behind the means, drawn every epoch; 0.1 in the release.
        keep: of the moving average of the means, 0.5. power: upsilon, 1.
        gather: brings the domains of all ranks together.

    Before the first `begin_epoch` there are no means, and the loss is L_c. Every rank must see the same clips there.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        scenario_weight: float = 0.1,
        location_weight: float = 0.1,
        epoch_share: float = 0.1,
        keep: float = 0.5,
        power: float = 1.0,
        gather: Gather = alone,
    ) -> None:
        super().__init__()
        self.model = spec.model()
        self.by_scenario = DomainClassMeans(spec.classes, spec.scenarios, self.model.width, keep)
        self.by_location = DomainClassMeans(spec.classes, spec.locations, self.model.width, keep)
        self.scenario_weight, self.location_weight = scenario_weight, location_weight
        self.epoch_share, self.power, self.gather = epoch_share, power, gather

    @torch.no_grad()
    def begin_epoch(self, batches: Iterable[Batch]) -> None:
        """Renew the means from a share of the training clips, encoded as in a test; the mode stays as it was."""
        was_training = self.training
        self.eval()
        kept = (self.by_scenario, self.by_location)
        found = [(torch.zeros_like(means.means), torch.zeros_like(means.counts)) for means in kept]
        for batch in batches:
            x = self._embed(batch)
            for (sums, counts), domain in zip(found, (batch.scenario, batch.location), strict=True):
                cell = batch.label * counts.shape[1] + domain
                sums.view(-1, sums.shape[2]).index_add_(0, cell, x.to(sums))
                counts.view(-1).index_add_(0, cell, torch.ones_like(cell, dtype=counts.dtype))
        for means, (sums, counts) in zip(kept, found, strict=True):
            means.update(sums, counts)
        self.train(was_training)

    def forward(self, batch: Batch) -> Tensor:
        x = self._embed(batch)
        loss = erm_loss(self.model.classifier(x), batch.label)
        for weight, kept, domain in (
            (self.scenario_weight, self.by_scenario, batch.scenario),
            (self.location_weight, self.by_location, batch.location),
        ):
            in_batch = membership(self.gather(domain), kept.counts.shape[1]).any(dim=0)
            aligned = boda_loss(x, batch.label, domain, kept.means, kept.counts, in_batch, self.power)
            loss = loss + weight * aligned
        return loss

    def _embed(self, batch: Batch) -> Tensor:
        return self.model.fuse(self.model.embed(batch.appearance, batch.motion, batch.audio), fusion_scale(batch))

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)
