"""Raw camera frames in, SlowFast features out: the whole video engine as one module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.models.slowfast import FAST_FRAMES, SlowFast

PIXEL_MEAN = 0.45  # Kinetics statistics of SlowFast's training, equal for R, G and B
PIXEL_STD = 0.225


class VideoNet(nn.Module):
    """SlowFast with its preprocessing: normalisation and the choice of slow frames.

    The slow frames are long(linspace(0, 31, 8)) = 0,4,8,13,17,22,26,31, as Ego4D's extractor takes them.
    """

    slow_index: Tensor

    def __init__(self, slowfast: SlowFast) -> None:
        super().__init__()
        self.slowfast = slowfast
        slow_index = torch.linspace(0, FAST_FRAMES - 1, slowfast.slow_frames).long()
        self.register_buffer("slow_index", slow_index, persistent=False)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a batch of rows.

        Args:
            frames: [N, 32, S, S, 3] uint8 RGB, consecutive frames at 30 fps.

        Returns:
            appearance [N, 32 * width] and motion [N, 32 * width / beta_inv], float.
        """
        # The cast comes first: TensorRT's ONNX parser refuses to transpose uint8.
        pixels = frames.float().permute(0, 4, 1, 2, 3)
        fast = pixels * (1.0 / (255.0 * PIXEL_STD)) - PIXEL_MEAN / PIXEL_STD
        slow = fast.index_select(2, self.slow_index)
        return self.slowfast(slow, fast)
