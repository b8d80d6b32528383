"""What runs as head.onnx: appearance [1, 3A], motion [1, 3M], audio [1, D], mask [R, 3] -> logits [R, K]."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch
from trainer.methods.head_spec import HeadSpec
from trainer.methods.method import Method
from trainer.models.fusion import FusedModel


def head_rows(method: Method, spec: HeadSpec) -> nn.Module:
    """The inference form of a trained method, in eval mode."""
    if method.model.appearance_dim == spec.appearance_dim:
        return MaskedRows(method.model).eval()
    return MethodRows(method).eval()


class MaskedRows(nn.Module):
    """A fused model as a module of its own, because an exporter calls `forward`. The clip is encoded once."""

    def __init__(self, fused: FusedModel) -> None:
        super().__init__()
        self.fused = fused

    def forward(self, appearance: Tensor, motion: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        return self.fused.masked_rows(appearance, motion, audio, mask)


class MethodRows(nn.Module):
    """A method whose logits need more than its fused model (DoPrompt: the mask decides its prompts)."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = cast(nn.Module, method)

    def forward(self, appearance: Tensor, motion: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        rows = int(mask.shape[0])
        nothing = torch.zeros(rows)  # `logits` reads the three inputs only
        batch = Batch(
            appearance=appearance.expand(rows, -1),
            motion=motion.expand(rows, -1),
            audio=audio.expand(rows, -1),
            label=nothing,
            scenario=nothing,
            location=nothing,
            r=nothing,
            text_visual=nothing,
            text_audio=nothing,
        )
        return cast(Method, self.method).logits(batch, mask)
