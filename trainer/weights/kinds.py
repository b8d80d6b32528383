"""What kind of file a checkpoint is, found out without running anything that it holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from edge.json_text import MOST_BYTES, parse_json, read_bounded, read_json
from trainer.models.checkpoint_file import CheckpointError, read_checkpoint
from trainer.models.clip_folder import WEIGHT_FILES, find_clip


def kind_of(path: Path) -> str:
    """One line about a checkpoint or a file of names: project, size, classes.

    Raises:
        CheckpointError: it cannot be read, or would have to run code to be loaded.
    """
    if path.is_dir():
        return _clip(path)
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix in (".json", ".csv"):
        return f"{len(class_names(path))} class names"
    content = read_checkpoint(path)
    if not isinstance(content, dict):
        return f"a PyTorch file that holds a {type(content).__name__}: no checkpoint that egoact knows"
    if isinstance(content.get("model_state"), dict):
        return _slowfast(content["model_state"])
    if isinstance(content.get("cfg"), dict) and isinstance(content.get("model"), dict):
        return _beats(content["cfg"], content["model"])
    keys = ", ".join(sorted(map(str, content))[:4])
    return f"a PyTorch file with the keys {keys} ...: no checkpoint that egoact knows"


def class_names(path: Path) -> tuple[str, ...]:
    """Names of a classifier's outputs, in their order: Kinetics' JSON (name -> index) or AudioSet's CSV.

    Raises:
        CheckpointError: the file is missing or is neither.
    """
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
        if path.suffix == ".json":
            index_of = {str(name).strip('"'): int(index) for name, index in parse_json(text).items()}
        else:
            rows = csv.DictReader(text.splitlines())
            index_of = {row["display_name"]: int(row["index"]) for row in rows}
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file of class names") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, csv.Error) as error:
        raise CheckpointError(f"{path}: is no file of class names ({error}); fetch it again") from None
    names = sorted(index_of, key=lambda name: index_of[name])
    if sorted(index_of.values()) != list(range(len(names))):
        raise CheckpointError(f"{path}: its indices do not run from 0 to {len(names) - 1}; fetch it again")
    return tuple(names)


def _safetensors(path: Path) -> str:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file, or incomplete ({str(error).splitlines()[0]})") from None
    return f"safetensors, {len(names)} tensors"


def _clip(path: Path) -> str:
    folder = find_clip(path)
    try:
        config = read_json(folder / "config.json")
        text = config.get("text_config") or {}
        size = f"{text.get('num_hidden_layers', 12)} layers of width {text.get('hidden_size', 512)}"
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder}/config.json: cannot be read ({error}); download the folder again") from None
    weights = next(name for name in WEIGHT_FILES if (folder / name).is_file())
    return f"CLIP of transformers, text tower of {size}, {weights}"


def _slowfast(state: dict[str, Any]) -> str:
    names = [name for name in state if isinstance(state[name], Tensor)]
    if any(name.startswith("blocks.0.multipathway_blocks") for name in names):
        project, head = "pytorchvideo", "blocks.6.proj.weight"
    elif any(name.startswith("s1.pathway0_stem") for name in names):
        project, head = "PySlowFast", "head.projection.weight"
    else:
        return f"key model_state with {len(names)} tensors: a model of pytorchvideo's or PySlowFast's, but not SlowFast"
    classes = f"{len(state[head])} classes" if head in state else "no classifier"
    return f"SlowFast of {project}, {_millions(state)}, {classes}"


def _beats(config: dict[str, Any], state: dict[str, Any]) -> str:
    if "encoder_layers" not in config:
        return "keys cfg and model, but not BEATs"
    size = f"{config['encoder_layers']} layers of width {config.get('encoder_embed_dim')}, {_millions(state)}"
    if config.get("finetuned_model"):
        return f"BEATs, fine-tuned, {size}, {config.get('predictor_class')} classes"
    return f"BEATs, pre-trained, {size}"


def _millions(state: dict[str, Any]) -> str:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    count = sum(v.numel() for k, v in state.items() if isinstance(v, Tensor) and not k.endswith(statistics))
    return f"{count / 1e6:.1f} M parameters"
