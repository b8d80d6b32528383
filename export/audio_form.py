"""The audio network in the form that engines run best; it computes what `Beats` computes.

The positional convolution has 128 taps over about as many tokens, so that half of its products fall on padding. Given
the padding as values, OpenVINO takes a plain kernel, which is 3 times faster in FP32 and 5 times in INT8. They are
concatenated because OpenVINO would fold a Pad back into the convolution.
"""

from __future__ import annotations

import copy

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.beats import POSITION_KERNEL, Beats


class EngineBeats(nn.Module):
    """fbank [N, T, 128] -> the mean of the tokens, [N, dim]."""

    def __init__(self, beats: Beats) -> None:
        super().__init__()
        self.beats = copy.deepcopy(beats)
        convolution, _, gelu = self.beats.encoder.pos_conv
        assert isinstance(convolution, nn.Conv1d)
        convolution.padding = (0,)
        self.beats.encoder.pos_conv = nn.Sequential(Padded(), convolution, gelu)

    def forward(self, fbank: Tensor) -> Tensor:
        return self.beats(fbank)


class Padded(nn.Module):
    """[1, C, L] with half a kernel of zeros before, and one less after, as the kernel is even."""

    def forward(self, features: Tensor) -> Tensor:
        half = POSITION_KERNEL // 2
        return F.pad(features.transpose(1, 2), (0, 0, half, half - 1)).transpose(1, 2)
