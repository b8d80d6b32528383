"""RNA-Net: Relative Norm Alignment (Planamente et al., WACV 2022), for any number of streams."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone
from trainer.methods.head_spec import HeadSpec

Reduction = Literal["mean", "sum"]


@full_precision
def rna_loss(embeddings: Tensor, reduction: Reduction) -> Tensor:
    """(N_m / N_n - 1)^2 over the pairs m < n of streams, N the mean norm of a stream's embeddings; 0 for one stream.

    Args:
        embeddings: [S, N, D], before any scale; the order (ap, m, a) gives ap/m, ap/a and m/a.
        reduction: "mean" over the pairs is what the MMDG benchmark (arXiv 2605.06643) does, "sum" the authors' code.
    """
    norm = torch.linalg.vector_norm(embeddings, dim=2).mean(dim=1)
    pairs = [(norm[m] / norm[n] - 1) ** 2 for m, n in combinations(range(len(norm)), 2)]
    if not pairs:
        return norm.new_zeros(())
    total = torch.stack(pairs).sum()
    return total / len(pairs) if reduction == "mean" else total


class RnaNet(nn.Module):
    """L = L_c + weight * L_RNA on the streams' embeddings, before fusion.

    Args:
        weight: 1.0, the MMDG benchmark's default; the first paper's value is not known to us.
        reduction: see `rna_loss`.
        gather: brings the clips of all ranks together.

    The original sums the logits of two classifiers; here, as in the benchmark, one classifier sees the concatenation.
    In the order FC-ReLU-BN the norms are mostly BatchNorm's gains and offsets, and the loss acts through them.
    """

    def __init__(
        self, spec: HeadSpec, *, weight: float = 1.0, reduction: Reduction = "mean", gather: Gather = alone
    ) -> None:
        super().__init__()
        self.model = spec.model()
        self.weight, self.reduction, self.gather = weight, reduction, gather

    def forward(self, batch: Batch) -> Tensor:
        embeddings = self.model.embed(batch.appearance, batch.motion, batch.audio)
        loss = erm_loss(self.model.classify(embeddings, fusion_scale(batch)), batch.label)
        together = torch.stack([self.gather(embedding) for embedding in embeddings])
        return loss + self.weight * rna_loss(together, self.reduction)

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)
