"""Training and testing of runs that differ in the seed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edge.contract import HEAD_MASK
from trainer.data.clip_table import ClipTable
from trainer.loop.fit import Log, fit
from trainer.loop.head_clips import HeadClips, Narrations
from trainer.loop.predict import masked_logits
from trainer.loop.settings import FitResult
from trainer.methods.method import Method
from trainer.methods.narration_aligned import AUDIO_ONLY, NarrationAligned
from trainer.models.fusion import MODALITIES
from trainer.tables.alignment import narration_auc
from trainer.tables.join_tables import join_tables
from trainer.tables.run_score import PartScore, RunScore
from trainer.tables.runs import Run
from trainer.tables.settings import TrainingSettings
from trainer.tables.split_clips import SplitClips, video_folds

Embed = Callable[[Sequence[str]], Narrations]
"""Narrations of a table's texts -> their embeddings."""
_CHUNK = 512


def train_unit(
    unit: Sequence[Run],
    clips: SplitClips,
    embed: Embed,
    settings: TrainingSettings,
    unfinished: Callable[[Run], Path],
    device: str,
    log: Log,
) -> Iterator[tuple[Run, RunScore]]:
    """Train and test every run of `unit` (see `runs.units`); gives each as soon as it is finished.

    Args:
        clips: of the runs' split.
        unfinished: the folder in which a resumable training keeps what lets it go on after a kill.
    """
    first = unit[0]
    train, tested = training_and_test(clips, first.fold)
    test = HeadClips(clips.test.select(tested), embed(clips.test.facts.texts), device)
    source = HeadClips(clips.source, embed(clips.source.facts.texts), device)
    onscreen = None if clips.onscreen is None else clips.onscreen[tested]
    for run, result in _trained(unit, train, embed(train.facts.texts), settings, unfinished, device, log):
        parts = {"source": _part(_predicted(result.method, source), source.labels)}
        predicted = _predicted(result.method, test)
        parts["test"] = _part(predicted, test.labels)
        for name, chosen in (("onscreen", onscreen), ("offscreen", None if onscreen is None else ~onscreen)):
            if chosen is not None and chosen.any():
                parts[name] = _part(predicted[chosen], test.labels[chosen])
        yield run, RunScore(parts, _alignment(result.method, clips.test.select(tested), test))


def training_and_test(clips: SplitClips, fold: int | None) -> tuple[ClipTable, NDArray[np.bool_]]:
    """What a run trains on, and which test clips it is tested on (bool [test clips]); see `Run.fold`."""
    if fold is None:
        return clips.train, np.ones(len(clips.test), bool)
    tested = video_folds(clips.test.facts) == fold
    return join_tables(clips.train, clips.test.select(~tested)), tested


def _trained(
    unit: Sequence[Run],
    train: ClipTable,
    narrations: Narrations,
    settings: TrainingSettings,
    unfinished: Callable[[Run], Path],
    device: str,
    log: Log,
) -> Iterator[tuple[Run, FitResult]]:
    head_clips = HeadClips(train, narrations, device)
    spec = head_clips.head_spec(
        hidden=settings.hidden, out=settings.out, modalities=unit[0].modalities, order=settings.order
    )
    for run in unit:
        seeded, out = replace(settings.fit, seed=run.seed), unfinished(run) if settings.resumable else None
        yield run, fit(run.method, {}, spec, head_clips, None, seeded, out, log)


def _predicted(method: Method, clips: HeadClips) -> NDArray[np.int64]:
    """int64 [n], every clip of `clips`: no last batch is dropped."""
    return masked_logits(method, clips, HEAD_MASK[:1])[:, 0].argmax(axis=1)


def _part(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> PartScore:
    right = predicted == labels
    by_class = [float(right[labels == k].mean()) for k in np.unique(labels)]
    return PartScore(len(labels), int(right.sum()), float(np.mean(by_class)))


@torch.no_grad()
def _alignment(method: Method, table: ClipTable, clips: HeadClips) -> dict[str, float]:
    """Stream -> `narration_auc` with the kind of narration that it was aligned with; clips that have both count."""
    if not isinstance(method, NarrationAligned):
        return {}
    facts, found = table.facts, {}
    told = np.flatnonzero(facts.narrated & table.audio.heard)
    for stream, names in zip(method.model.streams, _stream_names(method), strict=True):
        by_audio = method.audio_narrations and stream == AUDIO_ONLY
        ids, first, narration_of = np.unique(
            (facts.audio_narration if by_audio else facts.narration)[told], return_index=True, return_inverse=True
        )
        if len(ids) < 2:
            continue
        place = method.model.streams.index(stream)
        embeddings = [_embedded(method, clips, part)[place] for part in _chunks(told)]
        texts = [_narrations(method, clips, part, by_audio) for part in _chunks(told[first])]
        found[names] = round(narration_auc(np.concatenate(embeddings), np.concatenate(texts), narration_of), 6)
    return found


def _stream_names(method: NarrationAligned) -> list[str]:
    return ["-".join(MODALITIES[i] for i in stream) for stream in method.model.streams]


def _embedded(method: NarrationAligned, clips: HeadClips, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:
    batch = clips.batch(torch.from_numpy(chosen))
    embeddings = method.model.embed(batch.appearance, batch.motion, batch.audio)
    return tuple(embedding.float().cpu().numpy() for embedding in embeddings)


def _narrations(
    method: NarrationAligned, clips: HeadClips, chosen: NDArray[np.int64], by_audio: bool
) -> NDArray[np.float32]:
    batch = clips.batch(torch.from_numpy(chosen))
    return method.f_text(batch.text_audio if by_audio else batch.text_visual).float().cpu().numpy()


def _chunks(clips: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [clips[first : first + _CHUNK] for first in range(0, len(clips), _CHUNK)]
