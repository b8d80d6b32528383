from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint
from trainer.data.clip_tensors import ClipTensors
from trainer.fit import FitSettings, fit, masked_logits
from trainer.models.checkpoint_file import CheckpointError

CLASSES = 4
SETTINGS = FitSettings(
    hidden=32, out=16, batch=32, epochs=10, lr=3e-3, milestones=(8,), drop_video=0.2, drop_audio=0.2
)


def toy(count: int, seed: int) -> ClipTensors:
    """Labels 0..3: video tells the first bit, sound tells the second, so that only both together tell the label.

    In the clips of low consistency the sound is that of another label.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    consistency = np.where(rng.random(count) < 0.2, 0.1, 0.9)
    heard_label = np.where(consistency < 0.5, rng.integers(0, CLASSES, count), labels)
    directions = np.random.default_rng(99).normal(size=(4, 24))

    def signal(bit: np.ndarray, first: int, noise: float) -> torch.Tensor:
        return torch.from_numpy(directions[first + bit] + noise * rng.normal(size=(count, 24))).float()

    text = np.random.default_rng(5).normal(size=(CLASSES, 512))
    return ClipTensors(
        appearance=signal(labels // 2, 0, 0.5),
        motion=signal(labels // 2, 0, 0.5),
        audio=signal(heard_label % 2, 2, 0.5),
        heard=torch.ones(count),
        labels=torch.from_numpy(labels),
        consistency=torch.from_numpy(consistency).float(),
        text_visual=torch.from_numpy(text[labels]).float(),
        text_audio=torch.from_numpy(text[heard_label]).float(),
        narrated=torch.from_numpy(labels != 0),
    )


def accuracy(logits: np.ndarray, clips: ClipTensors) -> list[float]:
    return [float(a) for a in (logits.argmax(2) == clips.labels.numpy()[:, None]).mean(0)]


@pytest.fixture(scope="module")
def data() -> tuple[ClipTensors, ClipTensors]:
    return toy(600, 0), toy(300, 1)


@pytest.mark.parametrize("method", ["narration_aligned", "erm"])
def test_learns_what_both_modalities_tell_and_knows_what_one_alone_cannot(
    data: tuple[ClipTensors, ClipTensors], method: str
) -> None:
    train, validation = data
    result = fit(train, validation, CLASSES, replace(SETTINGS, method=method), lambda line: None)
    both, video, audio = accuracy(masked_logits(result.model, validation), validation)
    assert both > 0.85
    assert 0.4 < video < 0.6  # one bit of two
    assert 0.35 < audio < 0.6
    assert not result.model.training


def test_same_seed_same_weights_another_seed_other_weights(data: tuple[ClipTensors, ClipTensors]) -> None:
    settings = replace(SETTINGS, epochs=2)
    first, second = (fit(*data, CLASSES, settings, lambda line: None).model.state_dict() for _ in range(2))
    other = fit(*data, CLASSES, replace(settings, seed=1), lambda line: None).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


def test_the_weights_are_those_of_the_best_epoch(data: tuple[ClipTensors, ClipTensors]) -> None:
    train, validation = data
    result = fit(train, validation, CLASSES, replace(SETTINGS, epochs=5), lambda line: None)
    shorter = fit(train, validation, CLASSES, replace(SETTINGS, epochs=result.best_epoch), lambda line: None)
    best = float((masked_logits(result.model, validation).argmax(2) == validation.labels.numpy()[:, None]).mean())
    assert best == pytest.approx(result.best_accuracy)
    assert shorter.last_accuracy == pytest.approx(result.best_accuracy)
    assert result.best_accuracy >= result.last_accuracy


def test_a_clip_without_sound_is_judged_by_its_video(data: tuple[ClipTensors, ClipTensors]) -> None:
    train, validation = data
    model = fit(train, validation, CLASSES, replace(SETTINGS, epochs=1), lambda line: None).model
    silent = replace(validation, heard=torch.zeros(len(validation)))
    logits = masked_logits(model, silent)
    np.testing.assert_array_equal(logits[:, 0], logits[:, 1])


def test_clips_without_narrations_are_left_out_of_the_alignment(data: tuple[ClipTensors, ClipTensors]) -> None:
    """Changing the text of clips that are not narrated must change nothing."""
    train, validation = data
    settings = replace(SETTINGS, epochs=1)
    noise = torch.where(train.narrated[:, None], train.text_visual, torch.randn(len(train), 512))
    first = fit(train, validation, CLASSES, settings, lambda line: None).model.state_dict()
    second = fit(replace(train, text_visual=noise), validation, CLASSES, settings, lambda line: None).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_checkpoint_gives_the_same_logits(data: tuple[ClipTensors, ClipTensors], tmp_path: Path) -> None:
    train, validation = data
    model = fit(train, validation, CLASSES, replace(SETTINGS, epochs=1), lambda line: None).model
    widths = {"appearance_dim": 24, "motion_dim": 24, "audio_dim": 24, "hidden": 32, "out": 16, "classes": CLASSES}
    labels = ("a", "b", "c", "d")
    config = CheckpointConfig("narration_aligned", labels, widths, {}, "toy", 0, {"lr": 1e-3}, {"top1": 0.5})
    save_checkpoint(tmp_path, model, config)
    again, read = load_checkpoint(tmp_path)
    assert read == config
    np.testing.assert_array_equal(masked_logits(again, validation), masked_logits(model, validation))

    (tmp_path / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(CheckpointError, match="train the head again"):
        load_checkpoint(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_checkpoint(tmp_path)


def test_fingerprint_sees_every_field(data: tuple[ClipTensors, ClipTensors]) -> None:
    train = data[0]
    assert train.sha256() == toy(600, 0).sha256()
    changed = {name: value.clone() for name, value in vars(train).items()}
    for name, value in changed.items():
        value.view(-1)[0] = 0 if value.view(-1)[0] != 0 else 1
        assert replace(train, **{name: value}).sha256() != train.sha256(), name
