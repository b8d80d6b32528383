"""Official BEATs checkpoints (microsoft/unilm, beats/), pre-trained or fine-tuned: {"cfg": {...}, "model": {...}}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.models.beats import MAX_DISTANCE, PATCH, POSITION_BUCKETS, POSITION_GROUPS, POSITION_KERNEL, Beats
from trainer.models.checkpoint_file import CheckpointError, built_strictly, read_checkpoint
from trainer.models.transformers_package import first_line

# What `Beats` is written for. The published checkpoints (iter1 to iter3+, base) all have these values.
EXPECTED_CONFIG = {
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
}
POSITION = "encoder.pos_conv.0"
BIAS = "self_attn.relative_attention_bias.weight"


def load_beats(path: Path) -> Beats:
    """Read an official checkpoint; a fine-tuned one brings its classifier (`Beats.num_classes`).

    Raises:
        CheckpointError: the file cannot be read, is of another architecture, or a weight is missing or unknown.
    """
    checkpoint = read_checkpoint(path, "cfg", "model")
    config, state = checkpoint["cfg"], checkpoint["model"]
    if not isinstance(config, dict) or not isinstance(state, dict):
        raise CheckpointError(f"{path}: cfg and model are no dictionaries; it is not the expected kind of checkpoint")
    for key, expected in EXPECTED_CONFIG.items():
        if config.get(key) != expected:
            raise CheckpointError(f"{path}: {key} is {config.get(key)}, but only BEATs with {expected} is supported")
    try:
        sizes, state = _sizes(config), _own_names(state, path)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: not a BEATs checkpoint ({first_line(error)})") from None
    if not isinstance(sizes["layers"], int) or not 0 < sizes["layers"] <= len(state):
        raise CheckpointError(f"{path}: encoder_layers is {str(sizes['layers'])[:40]}; it is not BEATs")
    return built_strictly(lambda: Beats(**sizes), state, path)


def _sizes(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "dim": config["encoder_embed_dim"],
        "layers": config["encoder_layers"],
        "heads": config["encoder_attention_heads"],
        "ffn": config["encoder_ffn_embed_dim"],
        "patch_embed": config["embed_dim"],
        "num_classes": config["predictor_class"] if config.get("finetuned_model") else None,
    }


def _own_names(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Fold the weight normalisation and drop the copies of the shared position bias; every other name is the same."""
    state = dict(state)
    first = f"encoder.layers.0.{BIAS}"
    for name in [name for name in state if name.endswith(BIAS) and name != first]:
        if not torch.equal(state.pop(name), state[first]):
            raise CheckpointError(f"{path}: {name} differs from layer 0's, but BEATs shares one position bias")
    gain, direction = f"{POSITION}.weight_g", f"{POSITION}.weight_v"
    if gain in state and direction in state:
        v = state.pop(direction)
        # Weight normalisation over dimension 2: one norm for each position of the kernel.
        state[f"{POSITION}.weight"] = state.pop(gain) * v / v.norm(dim=(0, 1), keepdim=True)
    return state
