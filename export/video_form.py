"""The video network in the form that engines run best; it computes what `VideoNet` computes.

Two things differ. The slow frames are picked before the axes are moved, so that each pathway has a transposition of its
own, which a channels-last engine does without touching a byte. And the fast stem makes several neighbouring frames at
once, as the channels of one wider convolution: its own few channels (8 in R50 and R101) leave most of a vector register
empty, and the weights that are added are zeros.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.models.slowfast import Stem, TwoPathways
from trainer.models.video_net import PIXEL_MEAN, PIXEL_STD, VideoNet

LANES = 16
"""Channels that a convolution should have: the 32-bit numbers of a 512-bit register, and what tensor cores want."""


class EngineVideoNet(nn.Module):
    """frames uint8 [N, 32, S, S, 3] -> appearance [N, A], motion [N, M], as of `VideoNet`."""

    slow_index: Tensor

    def __init__(self, net: VideoNet) -> None:
        super().__init__()
        self.slowfast = copy.deepcopy(net.slowfast)
        self.register_buffer("slow_index", net.slow_index, persistent=False)
        stems = self.slowfast.blocks[0]
        assert isinstance(stems, TwoPathways)
        fast = stems.multipathway_blocks[1]
        assert isinstance(fast, Stem)
        stems.multipathway_blocks[1] = FramesAtOnceStem(fast)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        # The cast comes first: TensorRT's ONNX parser refuses to transpose uint8.
        pixels = frames.float() * (1.0 / (255.0 * PIXEL_STD)) - PIXEL_MEAN / PIXEL_STD
        slow = pixels.index_select(1, self.slow_index)
        return self.slowfast(slow.permute(0, 4, 1, 2, 3), pixels.permute(0, 4, 1, 2, 3))


class FramesAtOnceStem(nn.Module):
    """A stem whose convolution makes `together` neighbouring frames as groups of channels.

    With T taps in time, the frames n .. n + together - 1 need T + together - 1 frames of input: the kernel of group g
    is the stem's own, shifted by g frames.
    """

    def __init__(self, stem: Stem) -> None:
        super().__init__()
        conv, norm = stem.conv, stem.norm
        channels, colours, taps, height, width = conv.weight.shape
        self.together = max(1, LANES // channels)
        kernel = (taps + self.together - 1, height, width)
        weight = conv.weight.new_zeros(self.together, channels, colours, *kernel)
        for group in range(self.together):
            weight[group, :, :, group : group + taps] = conv.weight.detach()
        self.conv = nn.Conv3d(
            colours,
            self.together * channels,
            kernel,
            stride=(self.together, 2, 2),
            padding=(taps // 2, height // 2, width // 2),
            bias=False,
        )
        self.norm = nn.BatchNorm3d(self.together * channels, eps=norm.eps)
        with torch.no_grad():
            self.conv.weight.copy_(weight.flatten(0, 1))
            for name, values in norm.state_dict().items():
                if values.ndim:
                    self.norm.state_dict()[name].copy_(values.repeat(self.together))

    def forward(self, frames: Tensor) -> Tensor:
        """[N, 3, T, S, S] -> [N, C, T, S / 4, S / 4]."""
        groups = F.max_pool3d(F.relu(self.norm(self.conv(frames))), (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        channels, steps, *size = (int(length) for length in groups.shape[1:])
        groups = groups.reshape(-1, self.together, channels // self.together, steps, *size)
        return groups.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels // self.together, steps * self.together, *size)
