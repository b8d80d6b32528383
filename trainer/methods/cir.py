"""Cross-Instance Reconstruction (Plizzari et al., "What can a cook in Italy teach a mechanic in India?", ICCV 2023).

Every clip is rebuilt from the other clips of its batch, and the rebuilt clip must still tell the action and find its
narration. The reconstructions serve training only. ICASSP 2025 extends it to three modalities with an encoder for each;
here x is the fused embedding [ap, m, a] and the text is projected to its width.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone
from trainer.methods.head_spec import HeadSpec
from trainer.methods.info_nce import LOWEST, mean_over, paired_cross_entropy

Support = Literal["all", "other", "OS", "OL", "OS-OL", "SS", "SL", "SS-SL"]
"""Who may rebuild a clip: all, all others, those of another scenario (OS) or location (OL) or of the same (SS, SL)."""


class Cir(nn.Module):
    """L = L_c + action_weight * L_rc + text_weight * L_rt.

    Args:
        support: "other" is the released code's default; domain labels matter for the masks with S or L only.
        action_weight, text_weight: 0.5 and 1.0 in the released configuration.
        key_dim: width of queries and keys of CIR-text (its "bottleneck"). text_hidden: of the text projection.
        gather: brings the clips of all ranks together.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        support: Support = "other",
        action_weight: float = 0.5,
        text_weight: float = 1.0,
        key_dim: int = 128,
        text_hidden: int = 512,
        gather: Gather = alone,
    ) -> None:
        super().__init__()
        if support not in get_args(Support):
            raise ValueError(f"unknown support set {support!r}: choose one of {', '.join(get_args(Support))}")
        self.model = spec.model()
        width = self.model.width
        self.text = nn.Sequential(nn.Linear(spec.text_dim, text_hidden), nn.ReLU(), nn.Linear(text_hidden, width))
        self.query, self.key = nn.Linear(width, key_dim), nn.Linear(width, key_dim)
        self.norm = nn.LayerNorm(key_dim)  # one for both
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.support = support
        self.action_weight, self.text_weight, self.gather = action_weight, text_weight, gather

    def forward(self, batch: Batch) -> Tensor:
        own = self.model.fuse(self.model.embed(batch.appearance, batch.motion, batch.audio), fusion_scale(batch))
        loss = erm_loss(self.model.classifier(own), batch.label)

        x, label = self.gather(own), self.gather(batch.label)
        excluded = excluded_supports(self.support, self.gather(batch.scenario), self.gather(batch.location))
        told = self.gather(torch.ones_like(batch.label) if batch.narrated is None else batch.narrated[:, 0]).bool()
        text = self.gather(self.text(batch.text_visual))
        return (
            loss
            + self.action_weight * self.action_loss(x, label, excluded)
            + self.text_weight * self.text_loss(x, text, excluded, told)
        )

    @full_precision
    def action_loss(self, x: Tensor, label: Tensor, excluded: Tensor) -> Tensor:
        """CIR-action: r_i = sum_j softmax_j(x_i . x_j) x_j must be classified as clip i; x is not normalised."""
        rebuilt = attention(x @ x.T, excluded) @ x
        loss = F.cross_entropy(self.model.classifier(rebuilt), label, reduction="none")
        return mean_over(loss, ~excluded.all(dim=1))

    @full_precision
    def text_loss(self, x: Tensor, text: Tensor, excluded: Tensor, told: Tensor) -> Tensor:
        """CIR-text: half the sum of both directions of contrast between rebuilt clips and their narrations.

        With v and u the normalised x and text: q = LN(W_q v), k = LN(W_k v), g_i = sum_j softmax_j(q_i . k_j) v_j,
        not normalised again, and similarities exp(log_scale) * g_i . u_j.
        """
        v, u = F.normalize(x, dim=1), F.normalize(text, dim=1)
        rebuilt = attention(self.norm(self.query(v)) @ self.norm(self.key(v)).T, excluded) @ v
        similarity = self.log_scale.exp() * (rebuilt @ u.T)
        has_support = ~excluded.all(dim=1)
        pairs = has_support & told
        forth = paired_cross_entropy(similarity, pairs, told)
        return 0.5 * (forth + paired_cross_entropy(similarity.T, pairs, has_support))

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)


def attention(score: Tensor, excluded: Tensor) -> Tensor:
    """Softmax of score [N, N] over j where excluded (bool [N, N]) is False; 0 elsewhere, and in a row without supports.

    The released code subtracts 1000 instead, which gives the full softmax back where a whole row is excluded.
    """
    return score.masked_fill(excluded, LOWEST).softmax(dim=1).masked_fill(excluded, 0.0)


def excluded_supports(support: Support, scenario: Tensor, location: Tensor) -> Tensor:
    """bool [N, N]: True where clip j must not rebuild clip i. scenario, location: int64 [N]."""
    itself = torch.eye(len(scenario), dtype=torch.bool, device=scenario.device)
    same_scenario = scenario[:, None] == scenario
    same_location = location[:, None] == location
    excluded = {
        "all": torch.zeros_like(itself),
        "other": itself,
        "OS": same_scenario,
        "OL": same_location,
        "OS-OL": same_scenario | same_location,
        "SS": itself | ~same_scenario,
        "SL": itself | ~same_location,
        "SS-SL": itself | ~same_scenario | ~same_location,
    }
    return excluded[support]
