"""A CLIP of a few thousand weights and a few hundred tokens, in the forms in which CLIP is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.trainer.models.seeded import seeded_state
from trainer.models.transformers_package import import_transformers

DIM = 24
"""Width of the projection; 512 is what the library assumes where a text_config does not say it."""

MERGES = ("t h", "th e</w>", "s h", "sh e</w>", "c u", "cu t", "cut s</w>")


def write_tokenizer(folder: Path) -> int:
    """Byte-level BPE as CLIP has it; returns the number of tokens, of which the last two are start and end of text."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    merged = [merge.replace(" ", "") for merge in MERGES]
    start, end = "<|startoftext|>", "<|endoftext|>"
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *merged, start, end]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES]) + "\n")
    special = {"bos_token": start, "eos_token": end, "pad_token": end, "unk_token": end}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer", **special}))
    return len(tokens)


def write_clip(folder: Path, *, form: str = "whole", **text_settings: Any) -> Path:
    """Write a CLIP whose weights follow a formula.

    Args:
        folder: made when missing.
        form: "whole" (image and text tower, safetensors), "pickled" (the same, pytorch_model.bin) or "text" (only the
            text tower).
        text_settings: in place of those of the text tower.
    """
    library = import_transformers()
    folder.mkdir(parents=True, exist_ok=True)
    tokens = write_tokenizer(folder)
    text: dict[str, Any] = {
        "vocab_size": tokens,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "bos_token_id": tokens - 2,
        "eos_token_id": tokens - 1,
        "pad_token_id": tokens - 1,
        "attention_dropout": 0.5,  # so that a tower in training mode is found out
        **text_settings,
    }
    if form == "text":
        model = library.CLIPTextModelWithProjection(library.CLIPTextConfig(**text, projection_dim=DIM))
    else:
        vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        vision |= {"image_size": 8, "patch_size": 4}
        model = library.CLIPModel(library.CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM))
    weights = {name: value for name, value in model.state_dict().items() if value.dim()}  # all but logit_scale
    model.load_state_dict(seeded_state(weights), strict=False)
    if form == "pickled":
        model.config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder)
    return folder
