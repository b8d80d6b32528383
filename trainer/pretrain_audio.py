"""Pretraining of the small audio backbone on sound events, as AudioSet does it for BEATs.

One multi-label target per window of 2.133 s: all that is heard, off-screen sounds and ambience included. Augmented by
mixing two windows and by masking times and mel bands (Park et al., "SpecAugment", Interspeech 2019).
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
from trainer.data.world_csv import SoundEvent
from trainer.models.beats import Beats, beats_small
from trainer.models.fbank import Fbank

Log = Callable[[str], None]
MIN_OVERLAP_S = 0.2
"""A sound counts as heard when this much of it lies in the window."""


@dataclass(frozen=True)
class SoundTrack:
    """The sound of one clip and what is heard in it."""

    video: str
    samples: NDArray[np.float32]
    """float32 [n], 16 kHz mono."""
    events: tuple[SoundEvent, ...]


Holders = dict[str, list[tuple[SoundTrack, SoundEvent]]]
"""Every sound class with the events of it and the tracks that hold them."""


@dataclass(frozen=True)
class PretrainAudioSettings:
    """How long and how fast to learn."""

    windows: int = 24_000
    """Windows drawn in all."""
    batch: int = 32
    peak_lr: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.1
    mix_share: float = 0.5
    """Share of the windows that are mixed with another one."""
    seed: int = 0


def pretrain_audio(
    train: Sequence[SoundTrack],
    validation: Sequence[SoundTrack],
    sounds: Sequence[str],
    spec: WindowSpec,
    settings: PretrainAudioSettings,
    log: Log,
) -> tuple[Beats, float]:
    """Train the small BEATs from scratch.

    Args:
        sounds: the sound classes, in the order of the outputs.

    Returns:
        The network in eval mode, and its mean average precision over the classes heard in `validation` (NaN when
        there is none).
    """
    torch.manual_seed(settings.seed)
    fbank, beats = Fbank(), beats_small(num_classes=len(sounds), dropout=settings.dropout)
    optimiser = torch.optim.AdamW(beats.parameters(), lr=settings.peak_lr, weight_decay=settings.weight_decay)
    steps = max(1, settings.windows // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.peak_lr, total_steps=steps + 1, pct_start=0.15, final_div_factor=1e3, cycle_momentum=False
    )
    holders = {sound: [(track, e) for track in train for e in track.events if e.sound == sound] for sound in sounds}
    log(f"{len(train)} sound tracks, {len(sounds)} classes, {steps} steps of {settings.batch} windows")
    beats.train()
    started, running_loss = time.monotonic(), 0.0
    for step in range(steps):
        rng = np.random.default_rng([settings.seed, step])
        drawn = [_draw_mixed(holders, spec, settings.mix_share, rng) for _ in range(settings.batch)]
        target = torch.from_numpy(np.stack([heard for _, heard in drawn]))
        with torch.no_grad():
            spectrogram = fbank(torch.from_numpy(np.stack([samples for samples, _ in drawn])))
        logits = beats.classify(beats(_mask_bands(spectrogram, rng)))
        loss = F.binary_cross_entropy_with_logits(logits, target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(beats.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running_loss += float(loss.detach())
        every = min(50, steps)
        if (step + 1) % every == 0:
            seconds = time.monotonic() - started
            rate = settings.batch * (step + 1) / seconds
            log(f"step {step + 1}/{steps}: loss {running_loss / every:.4f}, {seconds:.0f} s, {rate:.0f} windows/s")
            running_loss = 0.0
    beats.eval()
    precision = mean_average_precision(beats, fbank, validation, sounds, spec) if validation else float("nan")
    log(f"mean average precision on {len(validation)} held-out clips: {precision:.3f}")
    return beats, precision


def window_targets(
    events: Sequence[SoundEvent], start_s: float, end_s: float, sounds: Sequence[str]
) -> NDArray[np.float32]:
    """float32 [classes]: 1 for every sound of which at least 0.2 s lies in start_s..end_s."""
    target = np.zeros(len(sounds), np.float32)
    for event in events:
        if min(event.end_s, end_s) - max(event.start_s, start_s) >= MIN_OVERLAP_S and event.sound in sounds:
            target[sounds.index(event.sound)] = 1.0
    return target


def average_precision(scores: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Area under the precision-recall curve as AudioSet counts it: the mean precision at the rank of every positive."""
    order = np.argsort(-scores, kind="stable")
    hits = targets[order] > 0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


@torch.inference_mode()
def mean_average_precision(
    beats: Beats, fbank: Fbank, tracks: Sequence[SoundTrack], sounds: Sequence[str], spec: WindowSpec
) -> float:
    """Mean over the classes heard in `tracks` of the average precision, on windows every two hops."""
    scores: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.float32]] = []
    length, rate = spec.clip_audio_samples, spec.audio_rate_hz
    for track in tracks:
        starts = range(0, len(track.samples) - length + 1, round(2 * spec.hop_s * rate))
        if not starts:
            continue
        windows = np.stack([track.samples[s : s + length] for s in starts])
        scores.append(beats.classify(beats(fbank(torch.from_numpy(windows)))).numpy())
        targets += [window_targets(track.events, s / rate, (s + length) / rate, sounds) for s in starts]
    score, target = np.concatenate(scores), np.stack(targets)
    return float(np.mean([average_precision(score[:, k], target[:, k]) for k in np.flatnonzero(target.any(axis=0))]))


def _draw_mixed(
    holders: Holders, spec: WindowSpec, mix_share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One window and its target; in `mix_share` of the draws with a second one mixed in, whose sounds count too."""
    samples, target = _draw(holders, spec, rng)
    samples = samples * _gain(rng, -8, 4)
    if rng.random() < mix_share:
        second, second_target = _draw(holders, spec, rng)
        samples = samples + second * _gain(rng, -14, 0)
        target = np.maximum(target, second_target)
    return samples, target


def _draw(
    holders: Holders, spec: WindowSpec, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A window around a random event of a random class, so that short and rare sounds are learnt as well."""
    sounds = list(holders)
    candidates = holders[sounds[int(rng.integers(len(sounds)))]]
    track, event = candidates[int(rng.integers(len(candidates)))]
    length, rate = spec.clip_audio_samples, spec.audio_rate_hz
    middle = rng.uniform(event.start_s, event.end_s) * rate
    start = int(np.clip(middle - rng.uniform(0.2, 0.8) * length, 0, max(0, len(track.samples) - length)))
    samples = np.zeros(length, np.float32)
    part = track.samples[start : start + length]
    samples[: len(part)] = part
    return samples, window_targets(track.events, start / rate, (start + length) / rate, sounds)


def _gain(rng: np.random.Generator, low_db: float, high_db: float) -> np.float32:
    return np.float32(10 ** (rng.uniform(low_db, high_db) / 20))


def _mask_bands(spectrogram: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment: in each window two stretches of time and two bands of mel bins are set to the window's mean."""
    masked = spectrogram.clone()
    _, frames, bins = spectrogram.shape
    for window, source in zip(masked, spectrogram, strict=True):
        for _ in range(2):
            width, start = int(rng.integers(0, frames // 8)), int(rng.integers(0, frames))
            window[start : start + width] = source.mean()
            width, start = int(rng.integers(0, bins // 8)), int(rng.integers(0, bins))
            window[:, start : start + width] = source.mean()
    return masked
