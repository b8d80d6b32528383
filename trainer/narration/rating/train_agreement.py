"""Training the embedded rater on matched pairs; what does not match is drawn from the other pairs.

The loss is the cross entropy of a pair's own audio narration among all that occur, each weighted by how often it does
(InfoNCE with the noise's log-probability added: van den Oord et al. 2018), so that frequent sounds gain nothing. Folds
keep the groups (wearers, videos) whole: AUC and calibration come from groups that training has not seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.narration.rating.agreement import Agreement, AgreementError
from trainer.narration.rating.rater import Pair
from trainer.narration.sentence_encoder import SentenceEncoder

CANDIDATES = 4096
"""Audio narrations that a batch is compared with, where there are more."""


@dataclass(frozen=True)
class TrainSettings:
    """Chosen inside the training participants only, see bench/rate.py."""

    hidden: int = 256
    width: int = 64
    dropout: float = 0.5
    steps: int = 750
    lr: float = 2e-3
    weight_decay: float = 0.01
    batch: int = 256
    seed: int = 0


@dataclass(frozen=True)
class EmbeddedPairs:
    """n matched pairs; every sentence is embedded once."""

    visual: NDArray[np.float32]
    """float32 [number of visual narrations, dim]"""
    audio: NDArray[np.float32]
    """float32 [number of audio narrations, dim]"""
    visual_of: NDArray[np.int64]
    """int64 [n], row of `visual`."""
    audio_of: NDArray[np.int64]
    """int64 [n], row of `audio`."""
    weight: NDArray[np.float32]
    """float32 [n], how much a pair counts."""
    group: NDArray[np.int64]
    """int64 [n], wearer or video."""

    def __len__(self) -> int:
        return len(self.weight)


def embed_pairs(
    pairs: Sequence[Pair], groups: Sequence[str], weights: Sequence[float], encoder: SentenceEncoder
) -> EmbeddedPairs:
    """Embed the sentences of matched pairs, which belong to `groups` and count by `weights`."""
    visual = {text: i for i, text in enumerate(dict.fromkeys(pair.visual for pair in pairs))}
    audio = {text: i for i, text in enumerate(dict.fromkeys(pair.audio for pair in pairs))}
    numbers = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    return EmbeddedPairs(
        encoder.encode(list(visual)),
        encoder.encode(list(audio)),
        np.array([visual[pair.visual] for pair in pairs]),
        np.array([audio[pair.audio] for pair in pairs]),
        np.asarray(weights, np.float32),
        np.array([numbers[name] for name in groups]),
    )


def train_net(pairs: EmbeddedPairs, chosen: NDArray[np.int64], settings: TrainSettings) -> Agreement:
    """A net trained on the pairs `chosen`; the same for the same seed on the same machine."""
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = Agreement(pairs.visual.shape[1], settings.hidden, settings.width, settings.dropout)
        visual, audio = torch.from_numpy(pairs.visual), torch.from_numpy(pairs.audio)
        x, y = torch.from_numpy(pairs.visual_of[chosen]), torch.from_numpy(pairs.audio_of[chosen])
        weight = torch.from_numpy(pairs.weight[chosen] / pairs.weight[chosen].mean())
        count = torch.bincount(y, weights=weight.double(), minlength=len(audio)).float()
        log_share = ((count + 0.3) / (count + 0.3).sum()).log()
        optimiser = torch.optim.AdamW(net.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=settings.steps)
        for batch in itertools.islice(_batches(len(chosen), settings.batch, generator), settings.steps):
            candidates = _candidates(y[batch], len(audio), generator)
            logits = net.scores(visual[x[batch]], audio[candidates]) + log_share[candidates]
            target = torch.searchsorted(candidates, y[batch])
            losses = torch.nn.functional.cross_entropy(logits, target, reduction="none")
            optimiser.zero_grad()
            (losses * weight[batch]).mean().backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def _batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Shuffled rounds through all pairs, without end."""
    while True:
        yield from torch.randperm(count, generator=generator).split(size)


def _candidates(own: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Sorted rows of audio narrations: all, or those of the batch and others at random."""
    if count <= CANDIDATES:
        return torch.arange(count)
    others = torch.randint(count, (CANDIDATES - len(own),), generator=generator)
    return torch.cat([own, others]).unique()


@torch.inference_mode()
def scores_of(
    net: Agreement, pairs: EmbeddedPairs, visual_of: NDArray[np.int64], audio_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score of every pair (visual narration, audio narration): float64 [n]."""
    visual = net.visual(torch.from_numpy(pairs.visual))[visual_of]
    audio = net.audio(torch.from_numpy(pairs.audio))[audio_of]
    return (visual * audio).sum(dim=1).double().numpy()


def folds(group: NDArray[np.int64], count: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """Members of `count` folds of about the same size that keep every group whole.

    Raises:
        AgreementError: there are fewer groups.
    """
    names, sizes = np.unique(group, return_counts=True)
    if len(names) < count:
        raise AgreementError(f"{len(names)} groups of pairs, at least {count} are needed; name another --group-column")
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(count, np.int64)
    fold_of = np.zeros(len(names), np.int64)
    for index in order:  # the largest first, each into the emptiest
        fold_of[index] = filled.argmin()
        filled[fold_of[index]] += sizes[index]
    of_pair = fold_of[np.searchsorted(names, group)]
    return [np.flatnonzero(of_pair == fold) for fold in range(count)]


def shuffled(audio_of: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The audio narrations of other pairs: a random permutation without a fixed place."""
    order = rng.permutation(len(audio_of))
    partner = np.empty_like(order)
    partner[order] = np.roll(order, 1)
    return audio_of[partner]


def auc(matched: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Chance that a matched pair scores above another; ties count half (Mann and Whitney 1947)."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, matched, "left")
    ties = np.searchsorted(ordered, matched, "right") - below
    return float((below + 0.5 * ties).mean() / len(others))


def held_out_scores(
    pairs: EmbeddedPairs,
    settings: TrainSettings,
    count: int,
    done: Callable[[], None] = lambda: None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of all matched pairs and of as many shuffled ones, each by a net that did not see its group."""
    matched, others = np.zeros(len(pairs)), np.zeros(len(pairs))
    rng = np.random.default_rng(settings.seed)
    for test in folds(pairs.group, count):
        train = np.setdiff1d(np.arange(len(pairs)), test)
        net = train_net(pairs, train, settings)
        matched[test] = scores_of(net, pairs, pairs.visual_of[test], pairs.audio_of[test])
        others[test] = scores_of(net, pairs, pairs.visual_of[test], shuffled(pairs.audio_of[test], rng))
        done()
    return matched, others


def calibrate(
    matched: NDArray[np.float64], others: NDArray[np.float64], weight: NDArray[np.float32]
) -> tuple[float, float]:
    """Slope and intercept of Platt's sigmoid (1999) for scores of matched and of as many other pairs.

    By Newton's method with halved steps (undamped, it runs away where many scores are far from 0), and with a little
    ridge, so that separable scores have an answer.
    """
    score = np.concatenate([matched, others])
    label = np.concatenate([np.ones(len(matched)), np.zeros(len(others))])
    share = np.concatenate([weight, weight]).astype(np.float64)
    design = np.stack([score, np.ones_like(score)], axis=1)

    def loss(at: NDArray[np.float64]) -> float:
        logit = design @ at
        return float((share * (np.logaddexp(0, logit) - label * logit)).sum() + 5e-4 * at @ at)

    found = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -700, 700)))
        gradient = design.T @ (share * (p - label)) + 1e-3 * found
        curvature = (design * (share * p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-9:
            step /= 2
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return float(found[0]), float(found[1])
