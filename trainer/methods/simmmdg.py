"""SimMMDG (Dong et al., NeurIPS 2023): split every embedding into a shared and a specific half."""

from __future__ import annotations

from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import erm_loss
from trainer.methods.full_precision import full_precision
from trainer.methods.gather import Gather, alone
from trainer.methods.head_spec import HeadSpec
from trainer.methods.supervised_contrastive import supervised_contrastive_loss, unit_rows


@full_precision
def distance_loss(embeddings: Tensor) -> Tensor:
    """-MSE between the shared (first) and the specific (second) half, mean over streams; unbounded below.

    embeddings: [S, N, D], D even.
    """
    shared, specific = embeddings.chunk(2, dim=2)
    return -F.mse_loss(shared, specific)


@full_precision
def translation_loss(translated: Tensor, target: Tensor) -> Tensor:
    """Mean distance of the normalised rows of translated and target, both [..., D]."""
    gap = F.normalize(translated, dim=-1) - F.normalize(target, dim=-1)
    return torch.linalg.vector_norm(gap, dim=-1).mean()


class SimMmdg(nn.Module):
    """L = L_c + translation_weight * L_tr + contrast_weight * L_con + distance_weight * L_dis.

    L_con pulls the shared halves of one label together, whatever their stream; L_dis pushes the halves of an embedding
    apart; L_tr lets every stream predict every other one (the target is not detached).

    Args:
        translation_weight, contrast_weight, distance_weight, temperature, hidden, contrast_dim: those of the authors'
            script for EPIC-Kitchens with video, flow and audio.
        gather: brings the clips of all ranks together.

    The classifier has a hidden layer of 512 (ReLU, dropout 0.5), as the authors'. Their training: Adam, lr 1e-4, weight
    decay 1e-4, batch 16.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        translation_weight: float = 0.1,
        contrast_weight: float = 3.0,
        distance_weight: float = 0.7,
        temperature: float = 0.1,
        hidden: int = 2048,
        contrast_dim: int = 128,
        classifier_hidden: int = 512,
        gather: Gather = alone,
    ) -> None:
        super().__init__()
        if spec.out % 2:
            raise ValueError(f"SimMMDG halves every embedding: a width of {spec.out} is odd")
        self.model = spec.model(classifier_hidden=classifier_hidden)
        streams = range(len(self.model.streams))
        self.contrast = nn.ModuleList(_contrast_head(spec.out // 2, hidden, contrast_dim) for _ in streams)
        self.pairs = list(permutations(streams, 2))
        self.translators = nn.ModuleList(_translator(spec.out, hidden) for _ in self.pairs)
        self.translation_weight, self.contrast_weight = translation_weight, contrast_weight
        self.distance_weight, self.temperature, self.gather = distance_weight, temperature, gather

    def forward(self, batch: Batch) -> Tensor:
        embeddings = self.model.embed(batch.appearance, batch.motion, batch.audio)
        loss = erm_loss(self.model.classify(embeddings, fusion_scale(batch)), batch.label)
        loss = loss + self.contrast_weight * self.contrast_loss(embeddings, batch.label)
        loss = loss + self.distance_weight * distance_loss(torch.stack(embeddings))
        if not self.pairs:
            return loss
        translated = torch.stack([net(embeddings[m]) for net, (m, _) in zip(self.translators, self.pairs, strict=True)])
        target = torch.stack([embeddings[n] for _, n in self.pairs])
        return loss + self.translation_weight * translation_loss(translated, target)

    def contrast_loss(self, embeddings: tuple[Tensor, ...], label: Tensor) -> Tensor:
        """Over one pool of all streams of all clips."""
        views = []
        for head, embedding in zip(self.contrast, embeddings, strict=True):
            shared, _ = embedding.chunk(2, dim=1)
            views.append(self.gather(unit_rows(head(shared))))
        return supervised_contrastive_loss(torch.cat(views), self.gather(label).repeat(len(views)), self.temperature)

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)


def _contrast_head(in_dim: int, hidden: int, out: int) -> nn.Sequential:
    first = [nn.Linear(in_dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
    second = [nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
    return nn.Sequential(*first, *second, nn.Linear(hidden, out))


def _translator(width: int, hidden: int) -> nn.Sequential:
    middle = [nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), *middle, nn.Linear(hidden, width))
