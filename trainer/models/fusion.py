"""The trained part: one encoder a modality, fusion by concatenation, one classifier.

Gungor and Kovashka, "Integrating Audio Narrations to Strengthen Domain Generalization in Multimodal First-Person Action
Recognition" (ICASSP 2025), section 3.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

LayerOrder = Literal["fc-relu-bn", "fc-bn-relu-dropout"]
DROPOUT = 0.5


class ModalityEncoder(nn.Module):
    """Two fully connected layers: f_appearance, f_motion, f_audio or f_text of the paper.

    `order` "fc-relu-bn" is the paper's; "fc-bn-relu-dropout" (dropout 0.5) is that of CIR's released code.
    """

    def __init__(self, in_dim: int, hidden: int, out: int, order: LayerOrder = "fc-relu-bn") -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layer(in_dim, hidden, order), *_layer(hidden, out, order))

    def forward(self, features: Tensor) -> Tensor:
        """[N, in_dim] -> [N, out]."""
        return self.layers(features)


class FusedModel(nn.Module):
    """logits = h([ap, m, a]): three encoders, a scale for each, and a linear classifier.

    Args:
        appearance_dim, motion_dim, audio_dim: widths of the clip's inputs (3A, 3M and D for three rows a clip).
        hidden, out: widths of every encoder's two layers.
        classes: number of labels.
    """

    def __init__(
        self,
        appearance_dim: int,
        motion_dim: int,
        audio_dim: int,
        hidden: int,
        out: int,
        classes: int,
        order: LayerOrder = "fc-relu-bn",
    ) -> None:
        super().__init__()
        self.appearance_dim, self.motion_dim, self.audio_dim = appearance_dim, motion_dim, audio_dim
        self.f_appearance = ModalityEncoder(appearance_dim, hidden, out, order)
        self.f_motion = ModalityEncoder(motion_dim, hidden, out, order)
        self.f_audio = ModalityEncoder(audio_dim, hidden, out, order)
        self.classifier = nn.Linear(3 * out, classes)

    def embed(self, appearance: Tensor, motion: Tensor, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Clip inputs -> (ap, m, a), each [N, out], before any scale: what the narrations are aligned with."""
        return self.f_appearance(appearance), self.f_motion(motion), self.f_audio(audio)

    def classify(self, embeddings: tuple[Tensor, Tensor, Tensor], scale: Tensor) -> Tensor:
        """Embeddings [N, out] (or [1, out], for every row) and scale [N, 3] for (ap, m, a) -> logits [N, classes]."""
        scaled = [embedding * scale[:, i : i + 1] for i, embedding in enumerate(embeddings)]
        return self.classifier(torch.cat(scaled, dim=1))

    def forward(self, appearance: Tensor, motion: Tensor, audio: Tensor, scale: Tensor) -> Tensor:
        """Logits of a batch of clips.

        Args:
            appearance: [N, appearance_dim]. motion: [N, motion_dim]. audio: [N, audio_dim].
            scale: [N, 3], factors of (ap, m, a) before the concatenation: the consistency r on audio, 0 to drop.

        Returns:
            [N, classes].
        """
        return self.classify(self.embed(appearance, motion, audio), scale)

    def masked_rows(self, appearance: Tensor, motion: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        """One clip ([1, dim] each) under R masks [R, 3] -> logits [R, classes]; the clip is encoded once."""
        return self.classify(self.embed(appearance, motion, audio), mask)


class TextEncoder(nn.Module):
    """f_text: CLIP embeddings of narrations into the space of the modalities.

    One for both kinds of narration; call it once for each, so that BatchNorm sees one kind at a time.
    """

    def __init__(self, text_dim: int, hidden: int, out: int, order: LayerOrder = "fc-relu-bn") -> None:
        super().__init__()
        self.encoder = ModalityEncoder(text_dim, hidden, out, order)

    def forward(self, text: Tensor) -> Tensor:
        """[N, text_dim] -> [N, out]."""
        return self.encoder(text)


def _layer(in_dim: int, out_dim: int, order: LayerOrder) -> list[nn.Module]:
    if order == "fc-relu-bn":
        return [nn.Linear(in_dim, out_dim), nn.ReLU(), nn.BatchNorm1d(out_dim)]
    if order == "fc-bn-relu-dropout":
        return [nn.Linear(in_dim, out_dim), nn.BatchNorm1d(out_dim), nn.ReLU(), nn.Dropout(DROPOUT)]
    raise ValueError(f"unknown layer order {order!r}: choose fc-relu-bn or fc-bn-relu-dropout")
