"""SlowFast video network (Feichtenhofer et al., "SlowFast Networks for Video Recognition", ICCV 2019).

Two pathways read the same second of video: the slow one few frames with many channels (appearance), the fast one all
frames with few channels (motion); after each of the first four stages the fast features are added to the slow ones.
Module and parameter names are those of pytorchvideo's hub models, so that their checkpoints load by strict key match.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FAST_FRAMES = 32
SLOW_TEMPORAL_KERNELS = (1, 1, 3, 3)  # paper table 1: no temporal convolution in the slow pathway before res4
FAST_TEMPORAL_KERNELS = (3, 3, 3, 3)


class SlowFast(nn.Module):
    """SlowFast of any depth and width.

    Args:
        depths: residual blocks in res2..res5, (3, 4, 6, 3) for R50 and (3, 4, 23, 3) for R101.
        width: channels of the slow stem; the slow pathway ends with 32 * width channels.
        beta_inv: the fast pathway has width / beta_inv channels.
        fusion_ratio: a lateral connection has fusion_ratio times the fast pathway's channels.
        fusion_kernel: temporal kernel of the lateral convolutions; pytorchvideo has 7 in R50 and 5 in R101.
        stem_kernel: (frames, pixels) of the stems' convolutions; the slow stem always sees one frame.
        alpha: fast frames per slow frame: 4 for "8x8" (8 slow frames), 8 for "4x16" (4 slow frames).
        crop_px: side S of the input. The pooling kernel is S // 32 - 1: 7 on the 8x8 map of S = 256, as the hub's.
        num_classes: width of the classification head (Kinetics-400: 400); None for no head.
    """

    def __init__(
        self,
        depths: tuple[int, int, int, int],
        width: int = 64,
        beta_inv: int = 8,
        fusion_ratio: int = 2,
        fusion_kernel: int = 7,
        stem_kernel: tuple[int, int] = (5, 7),
        alpha: int = 4,
        crop_px: int = 256,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        if width % beta_inv:
            raise ValueError(f"width {width} is not a multiple of beta_inv {beta_inv}")
        if crop_px % 32 or crop_px < 64:
            raise ValueError(f"crop_px {crop_px} is not a multiple of 32 of at least 64")
        self.alpha = alpha
        self.crop_px = crop_px
        self.slow_frames = FAST_FRAMES // alpha
        self.appearance_dim = 32 * width
        self.motion_dim = 32 * width // beta_inv
        self.pool_kernel_px = crop_px // 32 - 1

        def fusion(fast_channels: int) -> FastToSlow:
            return FastToSlow(fast_channels, fusion_ratio * fast_channels, fusion_kernel, alpha)

        fast_width = width // beta_inv
        stem_frames, stem_px = stem_kernel
        slow_stem, fast_stem = Stem(width, 1, stem_px), Stem(fast_width, stem_frames, stem_px)
        stems = TwoPathways(slow_stem, fast_stem, fusion(fast_width))
        blocks: list[nn.Module] = [stems]
        slow_in, fast_in, out = width, fast_width, 4 * width
        for stage, depth in enumerate(depths):
            stride = 1 if stage == 0 else 2
            slow_kernel, fast_kernel = SLOW_TEMPORAL_KERNELS[stage], FAST_TEMPORAL_KERNELS[stage]
            fast_out = out // beta_inv
            slow = Stage(depth, slow_in + fusion_ratio * fast_in, out // 4, out, slow_kernel, stride)
            fast = Stage(depth, fast_in, fast_out // 4, fast_out, fast_kernel, stride)
            blocks.append(TwoPathways(slow, fast, fusion(fast_out) if stage < 3 else None))
            slow_in, fast_in, out = out, fast_out, 2 * out
        blocks.append(nn.Identity())  # the hub's blocks.5 pools and has no parameters; `forward` does it here
        if num_classes is not None:
            blocks.append(ClassificationHead(self.appearance_dim + self.motion_dim, num_classes))
        self.blocks = nn.ModuleList(blocks)
        self.num_classes = num_classes
        self.apply(_initialise)

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features of a batch of rows.

        Args:
            slow: [N, 3, 32 / alpha, S, S] float, normalised.
            fast: [N, 3, 32, S, S] float, normalised.

        Returns:
            appearance [N, 32 * width] and motion [N, 32 * width / beta_inv], both >= 0 (they follow a ReLU).
        """
        for pathways in self.blocks[:5]:
            slow, fast = pathways(slow, fast)
        return self._pool(slow, self.slow_frames), self._pool(fast, FAST_FRAMES)

    def classify(self, appearance: Tensor, motion: Tensor) -> Tensor:
        """Logits [N, num_classes] of pooled features (the hub projects before its last mean; both are linear)."""
        if self.num_classes is None:
            raise ValueError("this SlowFast has no classification head: build it with num_classes")
        return self.blocks[6](torch.cat([appearance, motion], dim=1))

    def _pool(self, features: Tensor, frames: int) -> Tensor:
        # A window one cell smaller than the map, then the mean of its 2x2 positions: border cells weigh less
        # than in a plain global mean, and published features (Ego4D) were made this way.
        kernel = (frames, self.pool_kernel_px, self.pool_kernel_px)
        return F.avg_pool3d(features, kernel, stride=1).mean(dim=(2, 3, 4))


class TwoPathways(nn.Module):
    """One stage of both pathways and the lateral connection after it (None after res5)."""

    def __init__(self, slow: nn.Module, fast: nn.Module, fusion: FastToSlow | None) -> None:
        super().__init__()
        self.multipathway_blocks = nn.ModuleList([slow, fast])
        self.multipathway_fusion = fusion

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        slow, fast = self.multipathway_blocks[0](slow), self.multipathway_blocks[1](fast)
        if self.multipathway_fusion is not None:
            slow = torch.cat([slow, self.multipathway_fusion(fast)], dim=1)
        return slow, fast


class FastToSlow(nn.Module):
    """Lateral connection: a temporal convolution with stride alpha brings fast features to the slow frame rate."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, alpha: int) -> None:
        super().__init__()
        self.conv_fast_to_slow = nn.Conv3d(
            in_channels, out_channels, (kernel, 1, 1), stride=(alpha, 1, 1), padding=(kernel // 2, 0, 0), bias=False
        )
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, fast: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv_fast_to_slow(fast)))


class Stem(nn.Module):
    """Convolution with spatial stride 2, then 3x3 max pooling with stride 2."""

    def __init__(self, out_channels: int, temporal_kernel: int, kernel_px: int) -> None:
        super().__init__()
        kernel = (temporal_kernel, kernel_px, kernel_px)
        padding = (temporal_kernel // 2, kernel_px // 2, kernel_px // 2)
        self.conv = nn.Conv3d(3, out_channels, kernel, stride=(1, 2, 2), padding=padding, bias=False)
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, frames: Tensor) -> Tensor:
        return F.max_pool3d(F.relu(self.norm(self.conv(frames))), (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))


class Stage(nn.Module):
    """Residual blocks of one resolution; the first one strides and widens."""

    def __init__(self, depth: int, in_dim: int, inner_dim: int, out_dim: int, kernel: int, stride: int) -> None:
        super().__init__()
        first = ResidualBlock(in_dim, inner_dim, out_dim, kernel, stride)
        others = [ResidualBlock(out_dim, inner_dim, out_dim, kernel, 1) for _ in range(depth - 1)]
        self.res_blocks = nn.ModuleList([first, *others])

    def forward(self, features: Tensor) -> Tensor:
        for block in self.res_blocks:
            features = block(features)
        return features


class ResidualBlock(nn.Module):
    """Bottleneck with a projected shortcut where the shape changes."""

    def __init__(self, in_dim: int, inner_dim: int, out_dim: int, temporal_kernel: int, stride: int) -> None:
        super().__init__()
        self.projects = in_dim != out_dim or stride != 1
        if self.projects:
            self.branch1_conv = nn.Conv3d(in_dim, out_dim, 1, stride=(1, stride, stride), bias=False)
            self.branch1_norm = nn.BatchNorm3d(out_dim)
        self.branch2 = Bottleneck(in_dim, inner_dim, out_dim, temporal_kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        shortcut = self.branch1_norm(self.branch1_conv(features)) if self.projects else features
        return F.relu(shortcut + self.branch2(features))


class Bottleneck(nn.Module):
    """Temporal convolution, 3x3 spatial convolution, 1x1x1 convolution, each with BatchNorm."""

    def __init__(self, in_dim: int, inner_dim: int, out_dim: int, temporal_kernel: int, stride: int) -> None:
        super().__init__()
        kernel, padding = (temporal_kernel, 1, 1), (temporal_kernel // 2, 0, 0)
        self.conv_a = nn.Conv3d(in_dim, inner_dim, kernel, padding=padding, bias=False)
        self.norm_a = nn.BatchNorm3d(inner_dim)
        self.conv_b = nn.Conv3d(
            inner_dim, inner_dim, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False
        )
        self.norm_b = nn.BatchNorm3d(inner_dim)
        self.conv_c = nn.Conv3d(inner_dim, out_dim, 1, bias=False)
        self.norm_c = nn.BatchNorm3d(out_dim)

    def forward(self, features: Tensor) -> Tensor:
        features = F.relu(self.norm_a(self.conv_a(features)))
        features = F.relu(self.norm_b(self.conv_b(features)))
        return self.norm_c(self.conv_c(features))


class ClassificationHead(nn.Module):
    """Linear classifier over [appearance, motion]; blocks.6 of the hub's models."""

    def __init__(self, in_dim: int, num_classes: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_dim, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.proj(features)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, Bottleneck):
        nn.init.zeros_(module.norm_c.weight)  # every block starts as its shortcut (Goyal et al. 2017, section 5.1)


def slowfast_r50(num_classes: int | None = None, crop_px: int = 256) -> SlowFast:
    """SlowFast 8x8 R50: 2048 + 256 features, 34.57 M parameters with the Kinetics-400 head."""
    return SlowFast((3, 4, 6, 3), fusion_kernel=7, crop_px=crop_px, num_classes=num_classes)


def slowfast_r101(num_classes: int | None = None, crop_px: int = 256) -> SlowFast:
    """SlowFast 8x8 R101: 2048 + 256 features, 62.83 M parameters with the Kinetics-400 head."""
    return SlowFast((3, 4, 23, 3), fusion_kernel=5, crop_px=crop_px, num_classes=num_classes)


def slowfast_small(num_classes: int | None = None, crop_px: int = 128) -> SlowFast:
    """The shipped small variant: 512 + 128 features at 128 px."""
    return SlowFast(
        (1, 1, 1, 1),
        width=16,
        beta_inv=4,
        fusion_kernel=5,
        stem_kernel=(3, 5),
        crop_px=crop_px,
        num_classes=num_classes,
    )
