"""SlowFast with random weights whose BatchNorm statistics fit real frames: the speed of the real ones, no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainer.features.small_nets import load_small_video
from trainer.models.slowfast import Bottleneck, slowfast_r50, slowfast_r101, slowfast_small
from trainer.models.video_net import VideoNet

BUILDERS = {"small": slowfast_small, "r50": slowfast_r50, "r101": slowfast_r101}
BRANCH_GAMMA = 0.2
"""Last BatchNorm weight of every residual branch: 0 initially, about this large in trained networks."""


def video_net(name: str, rows: NDArray[np.uint8], weights: Path | None = None, seed: int = 0) -> VideoNet:
    """A network of the given size in eval mode.

    Args:
        name: 'small', 'r50' or 'r101'.
        rows: uint8 [N, 32, S, S, 3], rows of real clips, on which the random network's statistics are calibrated.
        weights: the trained small backbone (video.safetensors of a build) in place of random weights.
    """
    if weights is not None:
        return load_small_video(weights)
    torch.manual_seed(seed)
    net = VideoNet(BUILDERS[name](num_classes=None))
    _calibrate(net, rows)
    return net.eval()


@torch.no_grad()
def _calibrate(net: VideoNet, rows: NDArray[np.uint8]) -> None:
    """Set every BatchNorm's statistics to those of `rows`, layer by layer as the signal passes."""
    for module in net.modules():
        if isinstance(module, Bottleneck):
            nn.init.constant_(module.norm_c.weight, BRANCH_GAMMA)
        if isinstance(module, nn.BatchNorm3d):
            module.momentum = None  # a plain mean over the batches
    net.train()
    for row in rows:
        net(torch.from_numpy(row[None]))
