"""What a training run is told, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from trainer.methods.method import Method

Sampling = Literal["shuffled", "class", "domain"]
"""Every clip once an epoch, or as many draws with an equal share for every class or every (scenario, location)."""


Precision = Literal["auto", "float32", "bfloat16"]
"""Of the layers' products in training: "auto" is bfloat16 (autocast) on a GPU that has it and float32 elsewhere.

A processor gains from bfloat16 when it has instructions for it (avx512_bf16, AMX). Weights, similarities, attention,
distances and losses are float32 in any case.
"""


@dataclass(frozen=True)
class FitSettings:
    """The schedule. The defaults are the paper's; widths and modalities belong to the HeadSpec."""

    epochs: int = 50
    batch: int = 128
    """Clips of a step, of all ranks together."""
    lr: float = 2e-4
    milestones: tuple[int, ...] = (30, 40)
    """Epochs after which the learning rate is multiplied by `gamma`."""
    gamma: float = 0.1
    weight_decay: float = 0.0
    drop_video: float = 0.0
    """Share of the training clips whose video is hidden (modality dropout); 0 is the paper's."""
    drop_audio: float = 0.0
    sampling: Sampling = "shuffled"
    keep: Literal["best", "last"] = "best"
    """Weights of the epoch with the best validation accuracy (the earliest of equals), or of the last one."""
    precision: Precision = "auto"
    seed: int = 0


@dataclass(frozen=True)
class FitResult:
    """A trained method and how it got there."""

    method: Method
    """In eval mode, with the weights that `FitSettings.keep` asks for."""
    epochs: int
    best_epoch: int
    """Counted from 1; the last epoch where there is no validation."""
    best_accuracy: float
    """Validation top-1 after the best epoch (mean over the three masks with modality dropout); NaN without any."""
    last_accuracy: float
    """The same after the last epoch."""
    last_state: dict[str, Tensor] = field(repr=False)
    """Weights after the last epoch; load them with `method.load_state_dict`."""
    seconds: float
    """Of training and validation, over all processes that worked on the run one after the other."""
    clips_per_s: float
    """Training clips per second of these, validation included."""


def autocasts(settings: FitSettings, device: torch.device) -> bool:
    """Whether training there runs under bfloat16 autocast."""
    if settings.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return settings.precision == "bfloat16"


def learning_rate(settings: FitSettings, epoch: int) -> float:
    """In the epoch with this number, counted from 0: PyTorch's MultiStepLR, which needs no state."""
    return settings.lr * settings.gamma ** sum(epoch >= milestone for milestone in settings.milestones)
