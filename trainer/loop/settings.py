"""What a training run is told, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from trainer.methods.method import Method

Sampling = Literal["shuffled", "class", "domain"]
"""Every clip once an epoch, or as many draws with an equal share for every class or every (scenario, location)."""


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
    amp: bool = True
    """bfloat16 autocast on CUDA; elsewhere nothing."""
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


def learning_rate(settings: FitSettings, epoch: int) -> float:
    """In the epoch with this number, counted from 0: PyTorch's MultiStepLR, which needs no state."""
    return settings.lr * settings.gamma ** sum(epoch >= milestone for milestone in settings.milestones)
