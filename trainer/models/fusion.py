"""The trained part: one encoder a modality, fusion by concatenation, one classifier.

Gungor and Kovashka, "Integrating Audio Narrations to Strengthen Domain Generalization in Multimodal First-Person Action
Recognition" (ICASSP 2025), section 2; the modality settings are those of its tables 1 and 3.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

LayerOrder = Literal["fc-relu-bn", "fc-bn-relu-dropout"]
Modalities = Literal["ap", "mo", "au", "ap-mo", "ap+mo", "ap+mo+au"]
DROPOUT = 0.5

MODALITIES = ("appearance", "motion", "audio")
"""The order of the inputs and of the columns of every scale."""

STREAMS: dict[Modalities, tuple[tuple[int, ...], ...]] = {
    "ap": ((0,),),
    "mo": ((1,),),
    "au": ((2,),),
    "ap-mo": ((0, 1),),
    "ap+mo": ((0,), (1,)),
    "ap+mo+au": ((0,), (1,), (2,)),
}
"""Setting -> its streams: what one encoder sees, as positions in MODALITIES, more than one for early fusion."""


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
    """logits = h([ap, m, a]): an encoder for each of S streams, a scale for each, and a classifier.

    Args:
        appearance_dim, motion_dim, audio_dim: widths of the clip's inputs (3A, 3M and D for three rows a clip).
        hidden, out: widths of every encoder's two layers.
        classes: number of labels.
        modalities: which inputs are used, and which of them share an encoder; the encoders of "ap+mo" are
            `f_appearance` and `f_motion`, that of "ap-mo" is `f_appearance_motion`.
        classifier_hidden: width of a hidden layer (ReLU, dropout 0.5) of the classifier; 0 for the paper's linear one.
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
        modalities: Modalities = "ap+mo+au",
        classifier_hidden: int = 0,
    ) -> None:
        super().__init__()
        if modalities not in STREAMS:
            raise ValueError(f"unknown modalities {modalities!r}: choose one of {', '.join(STREAMS)}")
        self.appearance_dim, self.motion_dim, self.audio_dim = appearance_dim, motion_dim, audio_dim
        self.modalities = modalities
        self.streams = STREAMS[modalities]
        self.out = out
        self.width = len(self.streams) * out
        dims = (appearance_dim, motion_dim, audio_dim)
        for stream in self.streams:
            encoder = ModalityEncoder(sum(dims[i] for i in stream), hidden, out, order)
            self.add_module(_encoder_name(stream), encoder)
        self.classifier: nn.Module = nn.Linear(self.width, classes)
        if classifier_hidden:
            first, last = nn.Linear(self.width, classifier_hidden), nn.Linear(classifier_hidden, classes)
            self.classifier = nn.Sequential(first, nn.ReLU(), nn.Dropout(DROPOUT), last)

    def embed(self, appearance: Tensor, motion: Tensor, audio: Tensor) -> tuple[Tensor, ...]:
        """Clip inputs -> S embeddings ((ap, m, a) for "ap+mo+au"), each [N, out], before any scale.

        They are what the narrations are aligned with.
        """
        inputs = (appearance, motion, audio)
        embeddings = []
        for stream in self.streams:
            seen = inputs[stream[0]] if len(stream) == 1 else torch.cat([inputs[i] for i in stream], dim=1)
            embeddings.append(getattr(self, _encoder_name(stream))(seen))
        return tuple(embeddings)

    def fuse(self, embeddings: tuple[Tensor, ...], scale: Tensor) -> Tensor:
        """The classifier's input [N, S * out]: every embedding [N, out] (or [1, out]) times its scale.

        `scale` is [N, 3] for (ap, m, a); early fusion takes the product of its modalities' scales, so that it is
        hidden when one of them is.
        """
        scaled = []
        for embedding, stream in zip(embeddings, self.streams, strict=True):
            factor = scale[:, stream[0] : stream[0] + 1]
            for i in stream[1:]:
                factor = factor * scale[:, i : i + 1]
            scaled.append(embedding * factor)
        return torch.cat(scaled, dim=1)

    def classify(self, embeddings: tuple[Tensor, ...], scale: Tensor) -> Tensor:
        """Embeddings [N, out] (or [1, out], for every row) and scale [N, 3] for (ap, m, a) -> logits [N, classes]."""
        return self.classifier(self.fuse(embeddings, scale))

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


def _encoder_name(stream: tuple[int, ...]) -> str:
    return "f_" + "_".join(MODALITIES[i] for i in stream)


def _layer(in_dim: int, out_dim: int, order: LayerOrder) -> list[nn.Module]:
    if order == "fc-relu-bn":
        return [nn.Linear(in_dim, out_dim), nn.ReLU(), nn.BatchNorm1d(out_dim)]
    if order == "fc-bn-relu-dropout":
        return [nn.Linear(in_dim, out_dim), nn.BatchNorm1d(out_dim), nn.ReLU(), nn.Dropout(DROPOUT)]
    raise ValueError(f"unknown layer order {order!r}: choose fc-relu-bn or fc-bn-relu-dropout")
