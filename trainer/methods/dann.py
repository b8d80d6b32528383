"""DANN (Ganin et al., JMLR 2016): embeddings from which a classifier cannot tell the domain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import erm_loss
from trainer.methods.head_spec import HeadSpec


class ReversedGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied by -strength."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, strength: float) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.strength = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


class Dann(nn.Module):
    """L = L_c + scenario_weight * CE(scenario) + location_weight * CE(location), behind a gradient reversal.

    Args:
        reversal: strength of the reversal, 0.5 in the ARGO1M baselines (`lambda_val`).
        scenario_weight, location_weight: they searched 0.1, 0.5 and 1; the chosen one is not known.
        hidden: of the two domain classifiers, with ReLU and dropout 0.5.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        reversal: float = 0.5,
        scenario_weight: float = 0.1,
        location_weight: float = 0.1,
        hidden: int = 100,
    ) -> None:
        super().__init__()
        self.model = spec.model()
        self.scenario = _domain_classifier(self.model.width, hidden, spec.scenarios)
        self.location = _domain_classifier(self.model.width, hidden, spec.locations)
        self.reversal = reversal
        self.scenario_weight, self.location_weight = scenario_weight, location_weight

    def forward(self, batch: Batch) -> Tensor:
        x = self.model.fuse(self.model.embed(batch.appearance, batch.motion, batch.audio), fusion_scale(batch))
        reversed_x = ReversedGradient.apply(x, self.reversal)
        return (
            erm_loss(self.model.classifier(x), batch.label)
            + self.scenario_weight * erm_loss(self.scenario(reversed_x), batch.scenario)
            + self.location_weight * erm_loss(self.location(reversed_x), batch.location)
        )

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)


def _domain_classifier(width: int, hidden: int, domains: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, domains))
