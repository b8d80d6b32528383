"""The paper's method (ICASSP 2025, section 2): classification plus alignment of modalities with narrations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch, fusion_scale
from trainer.methods.erm import Criterion, erm_loss
from trainer.methods.gather import Gather, alone, own_rows
from trainer.methods.head_spec import HeadSpec
from trainer.methods.info_nce import info_nce
from trainer.models.fusion import STREAMS, TextEncoder

INITIAL_LOG_TEMPERATURE = math.log(0.07)  # CLIP's and CIR's start; the paper learns it and gives no value
AUDIO_ONLY = STREAMS["au"][0]


class NarrationAligned(nn.Module):
    """L = L_c + weight * (L_ap,t + L_m,t + L_a,t_audio), equation 2, with audio weighted by r in the classifier.

    Args:
        weight: lambda, 0.1 in the paper.
        weight_by_r: False for table 4's rows without the weighting.
        audio_narrations: align audio with its own narrations; False: with the visual ones (table 4's L_at).
        criterion: L_c, `erm_loss` or `one_vs_all_loss`.
        gather: brings the clips of all ranks together, so that they are negatives too.

    One temperature serves all pairs: the paper calls it learnable and says no more. An early-fused stream aligns with
    the visual narrations.
    """

    def __init__(
        self,
        spec: HeadSpec,
        *,
        weight: float = 0.1,
        weight_by_r: bool = True,
        audio_narrations: bool = True,
        criterion: Criterion = erm_loss,
        gather: Gather = alone,
    ) -> None:
        super().__init__()
        self.model = spec.model()
        self.f_text = TextEncoder(spec.text_dim, spec.hidden, spec.out, spec.order)
        self.log_temperature = nn.Parameter(torch.tensor(INITIAL_LOG_TEMPERATURE))
        self.weight, self.weight_by_r, self.audio_narrations = weight, weight_by_r, audio_narrations
        self.criterion, self.gather = criterion, gather

    def forward(self, batch: Batch) -> Tensor:
        embeddings = self.model.embed(batch.appearance, batch.motion, batch.audio)
        logits = self.model.classify(embeddings, fusion_scale(batch, self.weight_by_r))
        return self.criterion(logits, batch.label) + self.weight * self.alignment(batch, embeddings)

    def alignment(self, batch: Batch, embeddings: tuple[Tensor, ...]) -> Tensor:
        """Sum over the streams of InfoNCE between an embedding, before any scale, and its narration."""
        told_visual, told_audio = (None, None) if batch.narrated is None else batch.narrated.unbind(dim=1)
        by_narration: dict[bool, list[Tensor]] = {False: [], True: []}
        for stream, embedding in zip(self.model.streams, embeddings, strict=True):
            by_narration[self.audio_narrations and stream == AUDIO_ONLY].append(embedding)
        total = self.log_temperature.new_zeros(())
        for text, told, aligned in (
            (batch.text_visual, told_visual, by_narration[False]),
            (batch.text_audio, told_audio, by_narration[True]),
        ):
            if aligned:
                narration = self.f_text(text if told is None else borrow_narrations(text, told, self.gather))
                for embedding in aligned:
                    total = total + info_nce(embedding, narration, self.log_temperature, told, self.gather)
        return total

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        return self.model(batch.appearance, batch.motion, batch.audio, scale)


def borrow_narrations(text: Tensor, told: Tensor, gather: Gather = alone) -> Tensor:
    """Text [N, T] whose rows without a narration hold one of another row, of any rank.

    InfoNCE leaves these rows out; without this, the BatchNorm of f_text would see their empty texts.
    """
    all_text, all_told = gather(text), gather(told)
    row = torch.arange(len(all_text), device=text.device)
    told_first = torch.argsort((~all_told).to(torch.uint8), stable=True)
    borrowed = all_text[torch.where(all_told, row, told_first[row % all_told.sum().clamp(min=1)])]
    return own_rows(borrowed, len(text))
