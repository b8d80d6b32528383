from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.trainer.loop.toy import CLASSES, TEXT_DIM, toy_clips, toy_narrations, toy_table
from trainer.loop import head_clips
from trainer.loop.epoch import draw_epoch, draw_look
from trainer.loop.head_clips import Draw, HeadClips, embed_narrations
from trainer.loop.settings import FitSettings
from trainer.methods.batch import Batch
from trainer.narration.hashed_text import TEXT_DIM as HASHED_DIM
from trainer.narration.hashed_text import HashedText

SETTINGS = FitSettings(batch=32)
CLIPS = toy_clips(203, 0, subjects=3)


def drawn(settings: FitSettings = SETTINGS, epoch: int = 0) -> list[Draw]:
    return draw_epoch(CLIPS, settings, epoch, settings.batch)


def test_an_epoch_sees_every_clip_once_but_the_last_batch_that_is_not_full() -> None:
    clips = torch.cat([draw.clips for draw in drawn()])
    assert len(clips) == len(clips.unique()) == 192
    assert [len(draw.clips) for draw in drawn()] == [32] * 6


def test_draws_depend_on_seed_and_epoch_alone() -> None:
    for first, again in zip(drawn(), drawn(), strict=True):
        assert torch.equal(first.clips, again.clips)
    others = (drawn(epoch=1), drawn(replace(SETTINGS, seed=1)))
    assert not any(torch.equal(drawn()[0].clips, other[0].clips) for other in others)


def test_balanced_sampling_gives_every_class_its_share() -> None:
    rare = toy_table(400, 1)
    rare = rare.select((rare.facts.label > 0) | (torch.arange(400).numpy() % 8 == 0))
    clips = HeadClips(rare, toy_narrations())
    draws = draw_epoch(clips, replace(SETTINGS, sampling="class"), 0, 32)
    counts = torch.bincount(torch.from_numpy(clips.labels)[torch.cat([d.clips for d in draws])], minlength=CLASSES)
    assert counts.max() - counts.min() <= 1


def test_modality_dropout_hides_the_share_that_it_should() -> None:
    draws = drawn(replace(SETTINGS, drop_video=0.3, drop_audio=0.2))
    visible = torch.cat([draw.visible for draw in draws if draw.visible is not None])
    assert visible.shape == (192, 3)
    assert torch.equal(visible[:, 0], visible[:, 1])
    assert 0.2 < 1 - float(visible[:, 0].mean()) < 0.4
    assert 0.1 < 1 - float(visible[:, 2].mean()) < 0.3
    assert drawn()[0].visible is None


def test_a_look_ahead_takes_a_new_share_every_epoch() -> None:
    first, second = (torch.cat([d.clips for d in draw_look(CLIPS, SETTINGS, epoch, 0.1, 8)]) for epoch in (0, 1))
    assert len(first) == len(first.unique()) == 20
    assert set(first.tolist()) != set(second.tolist())


@pytest.mark.parametrize("resident", [True, False])
def test_every_wording_is_drawn(resident: bool) -> None:
    narrations = toy_narrations(subjects=3)
    clips = HeadClips(toy_table(50, 2, untold=0.3), narrations, resident=resident)
    clips_of = torch.tensor([0, 1, 2, 3])
    subject = torch.tensor([[0, 2], [1, 1], [2, 0], [0, 0]])
    batch = clips.batch(clips_of, subject=subject)
    facts = clips.table.facts
    for place, clip in enumerate(clips_of.tolist()):
        for text, index, column in (
            (batch.text_visual, facts.narration[clip], 0),
            (batch.text_audio, facts.audio_narration[clip], 1),
        ):
            told = narrations.vectors[index, subject[place, column]]
            expected = torch.from_numpy(told) if index >= 0 else torch.zeros(TEXT_DIM)
            assert torch.equal(text[place], expected)


def test_resident_and_mapped_batches_are_the_same() -> None:
    table, narrations = toy_table(60, 3, silent=0.3, untold=0.3), toy_narrations(2)
    draws = [Draw(part, subject=torch.ones(len(part), 2, dtype=torch.long)) for part in torch.randperm(60).split(16)]
    resident, mapped = (HeadClips(table, narrations, resident=kind) for kind in (True, False))
    for first, second in zip(resident.batches(draws), mapped.batches(draws), strict=True):
        for name in Batch._fields:
            assert torch.equal(getattr(first, name), getattr(second, name)), name


def test_clips_are_resident_when_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HeadClips(toy_table(60, 3), toy_narrations()).resident
    monkeypatch.setattr(head_clips, "_free_bytes", lambda device: 10_000)
    assert not HeadClips(toy_table(60, 3), toy_narrations()).resident


def test_hashed_narrations() -> None:
    narrations = embed_narrations(["#C C cuts", "A knife"], HashedText())
    assert (narrations.dim, narrations.subjects) == (HASHED_DIM, 1)
    assert embed_narrations([], HashedText()).vectors.shape == (1, 1, HASHED_DIM)
