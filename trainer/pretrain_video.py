"""Pretraining of the small video backbone on the pretraining domains, as Kinetics does it for the full-size one.

The backbone learns which action each row shows, then it is frozen. The first part of training runs at 96 px, where a
row costs half as much, the rest at the size that ships (Wu et al., "A Multigrid Method for Efficiently Training Video
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
from trainer.models.video_net import VideoNet
from trainer.pretrain_augment import augment_row
from trainer.pretrain_windows import PretrainClip, RowWindows, draw_balanced, labelled_rows

Log = Callable[[str], None]


@dataclass(frozen=True)
class PretrainVideoSettings:
    """How long and how fast to learn."""

    rows: int = 24_000
    """Rows drawn in all."""
    batch: int = 24
    peak_lr: float = 4e-3
    weight_decay: float = 0.02
    small_size_px: int = 96
    small_share: float = 0.7
    """Share of the steps that run at `small_size_px`."""
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
    net = VideoNet(slowfast_small(num_classes=len(labels), crop_px=spec.frame_size_px))
    motion_head = nn.Linear(net.slowfast.motion_dim, len(labels))
    parameters = [*net.parameters(), *motion_head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.peak_lr, weight_decay=settings.weight_decay)
    steps = max(1, settings.rows // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.peak_lr, total_steps=steps + 1, pct_start=0.15, final_div_factor=1e3, cycle_momentum=False
    )
    log(f"{len(windows)} rows of {len(train)} clips, {steps} steps of {settings.batch} rows")
    net.train()
    started, running_loss, running_right = time.monotonic(), 0.0, 0.0
    for step in range(steps):
        size_px = settings.small_size_px if step < settings.small_share * steps else spec.frame_size_px
        rng = np.random.default_rng([settings.seed, step])
        chosen = draw_balanced(windows.label, settings.batch, rng)
        frames = np.stack([augment_row(_row(train, windows, i, spec), size_px, rng) for i in chosen])
        target = torch.from_numpy(windows.label[chosen])
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
            appearance, motion = net(torch.from_numpy(frames))
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
        every = min(50, steps)
        if (step + 1) % every == 0:
            seconds = time.monotonic() - started
            rows_per_s = settings.batch * (step + 1) / seconds
            log(
                f"step {step + 1}/{steps} at {size_px} px: loss {running_loss / every:.3f}, "
                f"right {running_right / every:.3f}, {seconds:.0f} s, {rows_per_s:.1f} rows/s"
            )
            running_loss = running_right = 0.0
    net.eval()
    accuracy = row_accuracy(net, validation, labels, background_label, spec) if validation else float("nan")
    log(f"mean class accuracy on {len(validation)} held-out clips: {accuracy:.3f}")
    return net, accuracy


@torch.inference_mode()
def row_accuracy(
    net: VideoNet, clips: Sequence[PretrainClip], labels: Sequence[str], background_label: str, spec: WindowSpec
) -> float:
    """Mean class accuracy of the pretraining classifier on rows every hop."""
    windows = labelled_rows(clips, labels, background_label, spec, stride_ticks=spec.hop_frames)
    predicted: list[NDArray[np.int64]] = []
    for first in range(0, len(windows), 16):
        part = range(first, min(first + 16, len(windows)))
        frames = np.stack([_row(clips, windows, i, spec) for i in part])
        predicted.append(net.slowfast.classify(*net(torch.from_numpy(frames))).argmax(1).numpy())
    right = np.concatenate(predicted) == windows.label
    return float(np.mean([right[windows.label == k].mean() for k in np.unique(windows.label)]))


def _row(clips: Sequence[PretrainClip], windows: RowWindows, index: int, spec: WindowSpec) -> NDArray[np.uint8]:
    start = int(windows.start_tick[index])
    return clips[int(windows.clip[index])].decoded.frames[start : start + spec.row_frames]


def _cross_entropy(logits: Tensor, target: Tensor, settings: PretrainVideoSettings) -> Tensor:
    return F.cross_entropy(logits.float(), target, label_smoothing=settings.label_smoothing)
