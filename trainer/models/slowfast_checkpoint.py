"""SlowFast checkpoints of pytorchvideo's model zoo and of PySlowFast: {"model_state": state dict, ...}."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from trainer.models.checkpoint_file import CheckpointError, built_strictly, read_checkpoint
from trainer.models.slowfast import SlowFast

# PySlowFast's names on the left; {k} is the stage: its s1 is pytorchvideo's blocks.0.
PYSLOWFAST_NAMES = (
    (r"s1\.pathway(\d)_stem\.conv\.", r"blocks.{k}.multipathway_blocks.\1.conv."),
    (r"s1\.pathway(\d)_stem\.bn\.", r"blocks.{k}.multipathway_blocks.\1.norm."),
    (r"s\d_fuse\.conv_f2s\.", r"blocks.{k}.multipathway_fusion.conv_fast_to_slow."),
    (r"s\d_fuse\.bn\.", r"blocks.{k}.multipathway_fusion.norm."),
    (r"s\d\.pathway(\d)_res(\d+)\.branch1\.", r"blocks.{k}.multipathway_blocks.\1.res_blocks.\2.branch1_conv."),
    (r"s\d\.pathway(\d)_res(\d+)\.branch1_bn\.", r"blocks.{k}.multipathway_blocks.\1.res_blocks.\2.branch1_norm."),
    (
        r"s\d\.pathway(\d)_res(\d+)\.branch2\.([abc])\.",
        r"blocks.{k}.multipathway_blocks.\1.res_blocks.\2.branch2.conv_\3.",
    ),
    (
        r"s\d\.pathway(\d)_res(\d+)\.branch2\.([abc])_bn\.",
        r"blocks.{k}.multipathway_blocks.\1.res_blocks.\2.branch2.norm_\3.",
    ),
    (r"head\.projection\.", r"blocks.6.proj."),
)


def load_slowfast(path: Path, alpha: int = 4, crop_px: int = 256) -> SlowFast:
    """Read a checkpoint of either project; depths and widths come from the weights' shapes.

    Args:
        path: for example SLOWFAST_8x8_R101.pyth.
        alpha: 4 for 8x8 models, 8 for 4x16 (the weights do not tell).
        crop_px: side of the frames that the network will see.

    Raises:
        CheckpointError: the file cannot be read, or a weight is missing, unknown or misshapen.
    """
    state = read_checkpoint(path, "model_state")["model_state"]
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise CheckpointError(f"{path}: model_state is no dictionary of weights; download it again")
    if any(name.startswith("s1.") for name in state):
        state = {_pytorchvideo_name(name, path): value for name, value in state.items()}
    try:
        with torch.device("meta"):
            _build(state, alpha, crop_px)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise CheckpointError(f"{path}: not a SlowFast checkpoint ({error})") from error
    return built_strictly(lambda: _build(state, alpha, crop_px), state, path)


def _pytorchvideo_name(name: str, path: Path) -> str:
    for pattern, replacement in PYSLOWFAST_NAMES:
        if re.match(pattern, name):
            stage = re.match(r"s(\d)", name)
            block = int(stage.group(1)) - 1 if stage else 6
            return re.sub(pattern, replacement.replace("{k}", str(block)), name, count=1)
    raise CheckpointError(f"{path}: weight {name!r} has no counterpart in SlowFast")


def _build(state: dict[str, Tensor], alpha: int, crop_px: int) -> SlowFast:
    slow_stem = state["blocks.0.multipathway_blocks.0.conv.weight"]
    fast_stem = state["blocks.0.multipathway_blocks.1.conv.weight"]
    fusion = state["blocks.0.multipathway_fusion.conv_fast_to_slow.weight"]
    head = state.get("blocks.6.proj.weight")
    res2, res3, res4, res5 = (_depth(state, stage) for stage in range(1, 5))
    if max(res2, res3, res4, res5) > len(state):
        raise ValueError("more blocks than weights")
    return SlowFast(
        (res2, res3, res4, res5),
        width=slow_stem.shape[0],
        beta_inv=slow_stem.shape[0] // fast_stem.shape[0],
        fusion_ratio=fusion.shape[0] // fusion.shape[1],
        fusion_kernel=fusion.shape[2],
        stem_kernel=(fast_stem.shape[2], fast_stem.shape[3]),
        alpha=alpha,
        crop_px=crop_px,
        num_classes=None if head is None else head.shape[0],
    )


def _depth(state: dict[str, Tensor], stage: int) -> int:
    pattern = re.compile(rf"blocks\.{stage}\.multipathway_blocks\.0\.res_blocks\.(\d+)\.")
    return 1 + max(int(match.group(1)) for match in map(pattern.match, state) if match)
