"""A trained head on disk: `model.safetensors` and `config.json`. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from edge.errors import EgoactError
from edge.json_text import read_json
from trainer.loop.build import build
from trainer.loop.whole_run_file import remove_run_file, write_run_file
from trainer.methods.head_spec import HeadSpec
from trainer.methods.method import Method
from trainer.models.checkpoint_file import CheckpointError, built_strictly

CONFIG, WEIGHTS, LAST_WEIGHTS = "config.json", "model.safetensors", "last.safetensors"
FORMAT_VERSION = 2
_LARGEST = 1 << 20


@dataclass(frozen=True)
class CheckpointConfig:
    """What a checkpoint is: enough to build its method again and to know where it comes from."""

    method: str
    """A name of METHODS."""
    hyper: Mapping[str, Any]
    """Its hyper-parameters, where they are not the papers'."""
    labels: tuple[str, ...]
    background: str | None
    """The label of clips in which nothing is annotated, where the labels have one."""
    head: HeadSpec
    feature_spec: Mapping[str, Any]
    """The feature store's spec."""
    split: str
    """What was held out; '' for nothing."""
    seed: int
    settings: Mapping[str, Any]
    """FitSettings."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    """Of the clips that it was trained on, features included (`data.table_hash`)."""


def save_checkpoint(
    folder: Path, method: Method, config: CheckpointConfig, last: Mapping[str, Tensor] | None = None
) -> None:
    """Write the files; `config.json` last, so that a folder without it holds no checkpoint.

    Args:
        last: weights of the last epoch, where `method` has those of the best one: `last.safetensors`.

    Raises:
        RunError: the disk is full or cannot be written.
    """
    remove_run_file(folder / CONFIG)
    write_run_file(folder / WEIGHTS, _packed(method.state_dict()))
    if last is not None:
        write_run_file(folder / LAST_WEIGHTS, _packed(last))
    fields = {"format_version": FORMAT_VERSION, **asdict(config)}
    write_run_file(folder / CONFIG, (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode())


def load_checkpoint(folder: Path, weights: str = WEIGHTS) -> tuple[Method, CheckpointConfig]:
    """The method in eval mode, and its configuration.

    Raises:
        CheckpointError: missing, damaged, or weights that do not fit the configuration.
    """
    try:
        fields = dict(read_json(folder / CONFIG))
        if fields.pop("format_version", 1) != FORMAT_VERSION:
            raise ValueError(f"its format is not {FORMAT_VERSION}")
        head, labels = HeadSpec(**fields["head"]), tuple(fields["labels"])
        config = CheckpointConfig(**{**fields, "head": head, "labels": labels})
        if not all(0 <= size < _LARGEST for size in vars(head).values() if not isinstance(size, str)):
            raise ValueError("a size of its head is out of range")
        state = safetensors.torch.load_file(folder / weights)
        method = built_strictly(lambda: build(config.method, config.hyper, head), state, folder / weights)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; train the head again") from None
    except FileNotFoundError as error:
        raise CheckpointError(f"{error.filename or folder / weights}: missing; train the head again") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, EgoactError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[-1].strip()
        raise CheckpointError(f"{folder}: not a checkpoint of this version ({reason}); train the head again") from None
    method.eval()
    return method, config


def _packed(weights: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in weights.items()})
