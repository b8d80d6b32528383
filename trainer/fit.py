"""Training of the fused head on frozen features: the paper's method, read top to bottom.

Gungor and Kovashka, "Integrating Audio Narrations to Strengthen Domain Generalization in Multimodal First-Person Action
Recognition" (ICASSP 2025): cross entropy on [ap, m, r * a] + 0.1 * alignment of every modality with its narration.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.contract import HEAD_MASK
from trainer.checkpoint import state_copy
from trainer.data.clip_tensors import ClipTensors
from trainer.methods.erm import consistency_scale, erm_loss
from trainer.methods.modality_dropout import drop_modalities
from trainer.methods.narration_aligned import INITIAL_LOG_TEMPERATURE, narration_aligned_loss
from trainer.models.fusion import FusedModel, TextEncoder
from trainer.narration.hashed_text import TEXT_DIM

Log = Callable[[str], None]
Method = Literal["narration_aligned", "erm"]


@dataclass(frozen=True)
class FitSettings:
    """Schedule and method. Learning rate, batch, weight of the alignment and the drops by ten are the paper's."""

    method: Method = "narration_aligned"
    hidden: int = 192
    out: int = 128
    batch: int = 128
    epochs: int = 50
    lr: float = 2e-4
    milestones: tuple[int, ...] = (30, 40)
    weight_decay: float = 0.0
    align_weight: float = 0.1
    drop_video: float = 0.15
    """Share of the clips whose video is hidden; 0 for the paper's numbers."""
    drop_audio: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class FitResult:
    """The trained head and how it got there."""

    model: FusedModel
    """In eval mode, with the weights of the best epoch."""
    best_epoch: int
    """Counted from 1."""
    best_accuracy: float
    """Validation top-1, mean of the three masked rows, after the best epoch."""
    last_accuracy: float
    """The same after the last epoch."""


def fit(train: ClipTensors, validation: ClipTensors, classes: int, settings: FitSettings, log: Log) -> FitResult:
    """Train a head; the same seed and data give the same weights on one processor."""
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    model = FusedModel(
        train.appearance.shape[1], train.motion.shape[1], train.audio.shape[1], settings.hidden, settings.out, classes
    )
    text = TextEncoder(TEXT_DIM, settings.hidden, settings.out)
    log_temperature = nn.Parameter(torch.tensor(INITIAL_LOG_TEMPERATURE))
    parameters = [*model.parameters(), *text.parameters(), log_temperature]
    optimiser = torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, list(settings.milestones), gamma=0.1)

    best_epoch, best_accuracy, accuracy, best_state = 0, -1.0, 0.0, state_copy(model)
    started = time.monotonic()
    for epoch in range(1, settings.epochs + 1):
        model.train()
        text.train()
        total_loss = 0.0
        batches = _shuffled_batches(len(train), settings.batch, generator)
        for chosen in batches:
            loss = _loss(model, text, log_temperature, train, chosen, settings, generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total_loss += float(loss.detach())
        schedule.step()

        predicted = masked_logits(model, validation).argmax(axis=2)
        accuracy = float((predicted == validation.labels.numpy()[:, None]).mean())
        if accuracy > best_accuracy:
            best_epoch, best_accuracy, best_state = epoch, accuracy, state_copy(model)
        if epoch % 10 == 0 or epoch == settings.epochs:
            seconds = time.monotonic() - started
            log(f"epoch {epoch}: loss {total_loss / len(batches):.3f}, validation {accuracy:.3f}, {seconds:.0f} s")

    model.load_state_dict(best_state)
    return FitResult(model.eval(), best_epoch, best_accuracy, accuracy)


@torch.no_grad()
def masked_logits(model: FusedModel, clips: ClipTensors) -> NDArray[np.float32]:
    """Logits float32 [N, 3, K] of every clip under the three masks of HEAD_MASK; leaves `model` in eval mode."""
    model.eval()
    embeddings = model.embed(clips.appearance, clips.motion, clips.audio)
    present = torch.stack([torch.ones_like(clips.heard), torch.ones_like(clips.heard), clips.heard], dim=1)
    masks = torch.from_numpy(HEAD_MASK)
    return torch.stack([model.classify(embeddings, present * mask) for mask in masks], dim=1).numpy()


def _loss(
    model: FusedModel,
    text: TextEncoder,
    log_temperature: Tensor,
    clips: ClipTensors,
    chosen: Tensor,
    settings: FitSettings,
    generator: torch.Generator,
) -> Tensor:
    """The method's loss on the clips `chosen` (indices, int64 [B])."""
    embeddings = model.embed(clips.appearance[chosen], clips.motion[chosen], clips.audio[chosen])
    scale = drop_modalities(len(chosen), settings.drop_video, settings.drop_audio, generator)
    scale[:, 2] *= clips.heard[chosen]
    if settings.method == "erm":
        return erm_loss(model.classify(embeddings, scale), clips.labels[chosen])
    scale = scale * consistency_scale(clips.consistency[chosen])
    logits, labels = model.classify(embeddings, scale), clips.labels[chosen]
    narrated = clips.narrated[chosen] & (clips.heard[chosen] > 0)
    if int(narrated.sum()) < 2:  # nothing to tell apart
        return erm_loss(logits, labels)
    appearance, motion, audio = (embedding[narrated] for embedding in embeddings)
    told = chosen[narrated]
    return narration_aligned_loss(
        logits,
        labels,
        (appearance, motion, audio),
        text(clips.text_visual[told]),
        text(clips.text_audio[told]),
        log_temperature,
        settings.align_weight,
    )


def _shuffled_batches(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """A random order of all clips in batches; a last batch that is not full is left out, as CIR's loader does."""
    batches = list(torch.randperm(count, generator=generator).split(size))
    return batches if len(batches) == 1 or len(batches[-1]) == size else batches[:-1]
