"""A trained head on disk: `model.safetensors` and `config.json`. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from trainer.models.checkpoint_file import CheckpointError
from trainer.models.fusion import FusedModel


@dataclass(frozen=True)
class CheckpointConfig:
    """What a checkpoint is: enough to build its model again and to know where it comes from."""

    method: str
    labels: tuple[str, ...]
    model: dict[str, int]
    """Arguments of FusedModel: appearance_dim, motion_dim, audio_dim, hidden, out, classes."""
    feature_spec: dict[str, Any]
    """The feature store's spec."""
    split: str
    seed: int
    settings: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    """Of the labels and features that it was trained on."""


def save_checkpoint(folder: Path, model: FusedModel, config: CheckpointConfig) -> None:
    """Write both files; `config.json` last, so that a folder without it holds no checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").unlink(missing_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=1, sort_keys=True), encoding="utf-8")


def load_checkpoint(folder: Path) -> tuple[FusedModel, CheckpointConfig]:
    """The model in eval mode, and its configuration.

    Raises:
        CheckpointError: missing, damaged, or weights that do not fit the configuration.
    """
    try:
        fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = CheckpointConfig(**{**fields, "labels": tuple(fields["labels"])})
        widths = config.model
        model = FusedModel(
            widths["appearance_dim"],
            widths["motion_dim"],
            widths["audio_dim"],
            widths["hidden"],
            widths["out"],
            widths["classes"],
        )
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{error.filename}: missing; train the head again") from None
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{folder}: not a checkpoint of this version ({reason}); train the head again") from None
    return model.eval(), config


def state_copy(model: FusedModel) -> dict[str, torch.Tensor]:
    """A copy of the weights that further training does not touch."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
