"""DoPrompt (Zheng et al., "Prompt Vision Transformer for Domain Generalization", 2022), as ARGO1M's baselines adapt it.

A learned prompt for every scenario and location is appended to the input of every encoder. In a test the domain is not
known: an adapter mixes the prompts of the training domains to suit the clip.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.domain_groups import membership
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.head_spec import HeadSpec


class PromptMixer(nn.Module):
    """The prompts of D domains, and an adapter that mixes them, dimension by dimension, to suit an embedding."""

    def __init__(self, width: int, hidden: int, domains: int, prompt_dim: int) -> None:
        super().__init__()
        self.prompts = nn.Parameter(torch.randn(domains, prompt_dim))
        self.adapter = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, domains * prompt_dim))

    def shares(self, x: Tensor) -> Tensor:
        """Embeddings [N, width] -> shares of the domains [N, D, prompt_dim], 1 in sum over D."""
        return softmax_over_domains(self.adapter(x).reshape(len(x), *self.prompts.shape))

    def mixed(self, shares: Tensor) -> Tensor:
        """[N, prompt_dim]"""
        return (shares * self.prompts).sum(dim=1)


@full_precision
def softmax_over_domains(score: Tensor) -> Tensor:
    """Softmax of [N, D, prompt_dim] over D."""
    return score.softmax(dim=1)


@full_precision
def domain_share_loss(shares: Tensor, domain: Tensor) -> Tensor:
    """Mean binary cross entropy of shares [N, D, prompt_dim] against the one-hot domain (int64 [N])."""
    target = membership(domain, shares.shape[1])[..., None].expand_as(shares)
    return F.binary_cross_entropy(shares, target.to(shares.dtype))


class DoPrompt(nn.Module):
    """L = prompt_weight * CE(true prompts) + adapted_weight * CE(mixed prompts) + domain_weight * (BCE_S + BCE_L).

    Args:
        prompt_dim: of a scenario's or location's prompt; ARGO1M's baselines searched 4, 16, 32 and 64.
        prompt_weight, adapted_weight, domain_weight: they searched 0.01, 0.1, 0.5 and 1, with one weight for each of
            the two BCEs; the chosen ones are not known. Their lr: 1e-6 to 1e-4.
        hidden: of the adapters.

    Three passes a batch: with the clip's own prompts; with the no-domain token, whose embedding tells the adapters
    which prompts to mix; and with the mixed prompts. No gradient flows through the second, so the token stays as drawn.
    A test takes the second and third, and so `logits` needs the whole method, not `model` alone.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        prompt_dim: int = 16,
        prompt_weight: float = 1.0,
        adapted_weight: float = 1.0,
        domain_weight: float = 0.1,
        hidden: int = 512,
    ) -> None:
        super().__init__()
        self.model = spec.model(extra_inputs=2 * prompt_dim)
        self.scenario = PromptMixer(self.model.width, hidden, spec.scenarios, prompt_dim)
        self.location = PromptMixer(self.model.width, hidden, spec.locations, prompt_dim)
        self.no_domain: Tensor
        self.register_buffer("no_domain", torch.randn(1, 2 * prompt_dim))
        self.prompt_weight, self.adapted_weight, self.domain_weight = prompt_weight, adapted_weight, domain_weight

    def forward(self, batch: Batch) -> Tensor:
        scale = fusion_scale(batch)
        true = torch.cat([self.scenario.prompts[batch.scenario], self.location.prompts[batch.location]], dim=1)
        prompted = self.model.classifier(self._fused(batch, true, scale))
        by_scenario, by_location = self._shares(batch, scale)
        adapted = self._adapted_logits(batch, by_scenario, by_location, scale)
        domain = domain_share_loss(by_scenario, batch.scenario) + domain_share_loss(by_location, batch.location)
        return (
            self.prompt_weight * erm_loss(prompted, batch.label)
            + self.adapted_weight * erm_loss(adapted, batch.label)
            + self.domain_weight * domain
        )

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self._adapted_logits(batch, *self._shares(batch, scale), scale)

    def _shares(self, batch: Batch, scale: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            x = self._fused(batch, self.no_domain.expand(len(scale), -1), scale)
        return self.scenario.shares(x), self.location.shares(x)

    def _adapted_logits(self, batch: Batch, by_scenario: Tensor, by_location: Tensor, scale: Tensor) -> Tensor:
        prompt = torch.cat([self.scenario.mixed(by_scenario), self.location.mixed(by_location)], dim=1)
        return self.model.classifier(self._fused(batch, prompt, scale))

    def _fused(self, batch: Batch, prompt: Tensor, scale: Tensor) -> Tensor:
        inputs = (torch.cat([x, prompt], dim=1) for x in (batch.appearance, batch.motion, batch.audio))
        return self.model.fuse(self.model.embed(*inputs), scale)
