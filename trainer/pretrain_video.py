"""Pretraining of the small video backbone on the pretraining domains, as Kinetics does it for the full-size one.

The backbone learns which action each row shows, then it is frozen. Most rows are seen small and short, where one costs
a tenth, and the last ones at the size that ships (Wu et al., "A Multigrid Method for Efficiently Training Video
Models", CVPR 2020).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.contract import WindowSpec
from trainer.models.slowfast import slowfast_small
from trainer.models.video_net import PIXEL_MEAN, PIXEL_STD, VideoNet
from trainer.pretrain_augment import augment_row
from trainer.pretrain_windows import PretrainClip, RowWindows, draw_balanced, labelled_rows

Log = Callable[[str], None]


@dataclass(frozen=True)
class Phase:
    """A stretch of training in which rows have one size and length."""

    rows: int
    """Rows drawn."""
    size_px: int
    frames: int
    """Consecutive frames, from the middle of the row; a multiple of 4."""


@dataclass(frozen=True)
class PretrainVideoSettings:
    """How long and how fast to learn."""

    phases: tuple[Phase, ...] = (Phase(60_000, 64, 16), Phase(20_000, 64, 32), Phase(10_000, 128, 32))
    batch: int = 32
    peak_lr: float = 3e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    bf16: bool = False
    """Autocast to bfloat16: worth it where the processor computes in it."""
    seed: int = 0


def pretrain_video(
    train: Sequence[PretrainClip],
    validation: Sequence[PretrainClip],
    labels: Sequence[str],
    background_label: str,
    spec: WindowSpec,
    settings: PretrainVideoSettings,
    log: Log,
) -> tuple[VideoNet, float]:
    """Train the small SlowFast from scratch.

    Returns:
        The network in eval mode, and its mean class accuracy on the rows of `validation` (NaN when there are none).
    """
    torch.manual_seed(settings.seed)
    windows = labelled_rows(train, labels, background_label, spec, stride_ticks=4)
    # Channels last and bfloat16 double the speed where the processor has the latter; weights stay float32.
    net = VideoNet(slowfast_small(num_classes=len(labels), crop_px=spec.frame_size_px))
    net = net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    motion_head = nn.Linear(net.slowfast.motion_dim, len(labels))
    parameters = [*net.parameters(), *motion_head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.peak_lr, weight_decay=settings.weight_decay)
    plan = [phase for phase in settings.phases for _ in range(phase.rows // settings.batch)]
    steps = len(plan)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.peak_lr, total_steps=steps + 1, pct_start=0.1, final_div_factor=1e3, cycle_momentum=False
    )
    log(f"{len(windows)} rows of {len(train)} clips, {steps} steps of {settings.batch} rows")
    net.train()
    started, running_loss, running_right = time.monotonic(), 0.0, 0.0
    for step, phase in enumerate(plan):
        rng = np.random.default_rng([settings.seed, step])
        chosen = draw_balanced(windows.label, settings.batch, rng)
        rows = [_row(train, windows, i, spec.row_frames, phase.frames) for i in chosen]
        frames = torch.from_numpy(np.stack([augment_row(row, phase.size_px, rng) for row in rows]))
        target = torch.from_numpy(windows.label[chosen])
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
            whole = (phase.size_px, phase.frames) == (spec.frame_size_px, spec.row_frames)
            appearance, motion = net(frames) if whole else small_features(net, frames)
            logits, motion_logits = net.slowfast.classify(appearance, motion), motion_head(motion)
        # The motion features must tell actions by themselves, since the head gets them as a modality of their own.
        loss = _cross_entropy(logits, target, settings) + 0.5 * _cross_entropy(motion_logits, target, settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        schedule.step()
        running_loss += float(loss.detach())
        running_right += float((logits.argmax(1) == target).float().mean())
        every = min(100, steps)
        if (step + 1) % every == 0:
            seconds = time.monotonic() - started
            log(
                f"step {step + 1}/{steps}, {phase.size_px} px, {phase.frames} frames: "
                f"loss {running_loss / every:.3f}, right {running_right / every:.3f}, {seconds:.0f} s"
            )
            running_loss = running_right = 0.0
    net = net.to(memory_format=torch.contiguous_format).eval()
    accuracy = row_accuracy(net, validation, labels, background_label, spec) if validation else float("nan")
    log(f"mean class accuracy on {len(validation)} held-out clips: {accuracy:.3f}")
    return net, accuracy


def small_features(net: VideoNet, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Features of rows of another size or length than the network ships with.

    The convolutions take any; the pooling over the edge-weighted window is defined for the shipped size only, so a
    plain mean stands in for it.

    Args:
        frames: uint8 [N, T, S, S, 3].

    Returns:
        appearance [N, A], motion [N, M].
    """
    fast = (frames.float() * (1.0 / (255.0 * PIXEL_STD)) - PIXEL_MEAN / PIXEL_STD).permute(0, 4, 1, 2, 3)
    slow_index = torch.linspace(0, frames.shape[1] - 1, frames.shape[1] // net.slowfast.alpha).long()
    slow = fast.index_select(2, slow_index).contiguous(memory_format=torch.channels_last_3d)
    for pathways in net.slowfast.blocks[:5]:
        slow, fast = pathways(slow, fast)
    return slow.mean(dim=(2, 3, 4)), fast.mean(dim=(2, 3, 4))


@torch.inference_mode()
def row_accuracy(
    net: VideoNet, clips: Sequence[PretrainClip], labels: Sequence[str], background_label: str, spec: WindowSpec
) -> float:
    """Mean class accuracy of the pretraining classifier on rows every hop."""
    windows = labelled_rows(clips, labels, background_label, spec, stride_ticks=spec.hop_frames)
    predicted: list[NDArray[np.int64]] = []
    for first in range(0, len(windows), 16):
        part = range(first, min(first + 16, len(windows)))
        frames = np.stack([_row(clips, windows, i, spec.row_frames, spec.row_frames) for i in part])
        predicted.append(net.slowfast.classify(*net(torch.from_numpy(frames))).argmax(1).numpy())
    right = np.concatenate(predicted) == windows.label
    return float(np.mean([right[windows.label == k].mean() for k in np.unique(windows.label)]))


def _row(
    clips: Sequence[PretrainClip], windows: RowWindows, index: int, row_frames: int, frames: int
) -> NDArray[np.uint8]:
    """The middle `frames` frames of a row: uint8 [frames, S, S, 3]."""
    start = int(windows.start_tick[index]) + (row_frames - frames) // 2
    return clips[int(windows.clip[index])].decoded.frames[start : start + frames]


def _cross_entropy(logits: Tensor, target: Tensor, settings: PretrainVideoSettings) -> Tensor:
    return F.cross_entropy(logits.float(), target, label_smoothing=settings.label_smoothing)
