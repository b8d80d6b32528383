"""Files of the kinds that the field publishes, made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from trainer.models.beats import MAX_DISTANCE, PATCH, POSITION_BUCKETS, POSITION_GROUPS, POSITION_KERNEL, Beats
from trainer.models.slowfast import Bottleneck, SlowFast


def write_slowfast(path: Path, num_classes: int | None = 5, seed: int = 0, res4_blocks: int = 1) -> Path:
    """A tiny SlowFast in pytorchvideo's format; 6 blocks in res4 pass for an R50, 23 for an R101."""
    torch.manual_seed(seed)
    net = SlowFast((1, 1, res4_blocks, 1), width=8, beta_inv=4, fusion_kernel=5, num_classes=num_classes)
    for stage in net.blocks[1:5]:
        for norm in (m.norm_c for m in stage.modules() if isinstance(m, Bottleneck)):
            torch.nn.init.constant_(norm.weight, 0.3)  # the initial 0 would leave the blocks out
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model_state": net.state_dict()}, path)
    return path


TINY_BEATS = {"dim": 16, "layers": 1, "heads": 2, "ffn": 32, "patch_embed": 8}
BASE_BEATS = {"dim": 768, "layers": 12, "heads": 12, "ffn": 3072, "patch_embed": 512}


def write_beats(
    path: Path, num_classes: int | None = None, seed: int = 0, sizes: Mapping[str, int] = TINY_BEATS
) -> Path:
    """A tiny BEATs in the official format, without weight normalisation."""
    torch.manual_seed(seed)
    net = Beats(**sizes, num_classes=num_classes)
    config = {
        "input_patch_size": PATCH,
        "conv_bias": False,
        "activation_fn": "gelu",
        "layer_norm_first": False,
        "deep_norm": True,
        "conv_pos": POSITION_KERNEL,
        "conv_pos_groups": POSITION_GROUPS,
        "relative_position_embedding": True,
        "num_buckets": POSITION_BUCKETS,
        "max_distance": MAX_DISTANCE,
        "gru_rel_pos": True,
        "encoder_embed_dim": sizes["dim"],
        "encoder_layers": sizes["layers"],
        "encoder_attention_heads": sizes["heads"],
        "encoder_ffn_embed_dim": sizes["ffn"],
        "embed_dim": sizes["patch_embed"],
        "finetuned_model": num_classes is not None,
        "predictor_class": num_classes or 527,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"cfg": config, "model": net.state_dict()}, path)
    return path
