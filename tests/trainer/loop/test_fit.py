from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.loop.toy import SETTINGS, SPEC, quiet, toy_clips, toy_narrations, toy_table
from trainer.data.errors import DatasetError
from trainer.loop.errors import RunError
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.loop.settings import FitResult, FitSettings, autocasts, learning_rate
from trainer.methods import info_nce
from trainer.methods.table import METHODS


@pytest.fixture(scope="module")
def train() -> HeadClips:
    return toy_clips(600, 0, untold=0.2)


@pytest.fixture(scope="module")
def validation() -> HeadClips:
    return toy_clips(300, 1)


def run(method: str, train: HeadClips, validation: HeadClips | None, **changes: object) -> FitResult:
    return fit(method, {}, SPEC, train, validation, replace(SETTINGS, **changes), None, quiet)


def weights(result: FitResult) -> dict[str, torch.Tensor]:
    return result.method.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def right(logits: np.ndarray, clips: HeadClips) -> list[float]:
    return [float(share) for share in (logits.argmax(2) == clips.labels[:, None]).mean(0)]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_what_both_modalities_tell(method: str, train: HeadClips, validation: HeadClips) -> None:
    hyper = {"hidden": 32, "contrast_dim": 8} if method == "simmmdg" else {}
    result = fit(method, hyper, SPEC, train, validation, SETTINGS, None, quiet)
    assert result.last_accuracy > 0.8  # 0.5 with one modality, 0.25 with none
    assert not result.method.training


@pytest.mark.parametrize("method", ["erm", "narration_aligned", "cir"])
def test_bfloat16_products_learn_the_same(method: str, train: HeadClips, validation: HeadClips) -> None:
    result = run(method, train, validation, precision="bfloat16")
    assert result.last_accuracy > 0.8
    assert {value.dtype for value in weights(result).values()} <= {torch.float32, torch.int64}


def test_bfloat16_is_taken_by_default_on_a_gpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_it in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has_it=has_it: has_it)
        assert autocasts(FitSettings(), torch.device("cuda")) == has_it
        assert not autocasts(FitSettings(), torch.device("cpu"))
        assert not autocasts(FitSettings(precision="float32"), torch.device("cuda"))
        assert autocasts(FitSettings(precision="bfloat16"), torch.device("cpu"))


def test_similarities_stay_in_float32(train: HeadClips, monkeypatch: pytest.MonkeyPatch) -> None:
    """What InfoNCE multiplies under autocast: float32, unlike the products of the layers."""
    seen: dict[str, set[torch.dtype]] = {"similarities": set(), "layers": set()}
    similarity = info_nce.paired_cross_entropy
    layer = torch.nn.Linear.forward

    def watched(values: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen["similarities"].add(values.dtype)
        return similarity(values, *rest)

    def watched_layer(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        out = layer(self, x)
        seen["layers"].add(out.dtype)
        return out

    monkeypatch.setattr(info_nce, "paired_cross_entropy", watched)
    monkeypatch.setattr(torch.nn.Linear, "forward", watched_layer)
    run("narration_aligned", train, None, epochs=1, precision="bfloat16")
    assert seen == {"similarities": {torch.float32}, "layers": {torch.bfloat16}}


def test_with_modality_dropout_each_modality_tells_its_own_bit(train: HeadClips, validation: HeadClips) -> None:
    result = run("narration_aligned", train, validation, drop_video=0.2, drop_audio=0.2)
    logits = masked_logits(result.method, validation)
    both, video, audio = right(logits, validation)
    assert both > 0.85
    assert 0.4 < video < 0.6
    assert 0.35 < audio < 0.6
    assert result.last_accuracy == pytest.approx(np.mean([both, video, audio])) or result.best_epoch < result.epochs


def test_same_seed_same_weights_another_seed_other_weights(train: HeadClips, validation: HeadClips) -> None:
    first, second = (weights(run("narration_aligned", train, validation, epochs=2)) for _ in range(2))
    other = weights(run("narration_aligned", train, validation, epochs=2, seed=1))
    assert same(first, second)
    assert not torch.equal(first["model.classifier.weight"], other["model.classifier.weight"])


def test_training_leaves_the_callers_generator_alone(train: HeadClips) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    run("mixup", train, None, epochs=1)
    assert torch.equal(torch.rand(4), expected)


def test_best_keeps_the_weights_of_the_best_epoch_and_last_those_of_the_last(
    train: HeadClips, validation: HeadClips
) -> None:
    best = run("erm", train, validation, epochs=6, lr=3e-2)
    last = run("erm", train, validation, epochs=6, lr=3e-2, keep="last")
    shorter = run("erm", train, validation, epochs=best.best_epoch, lr=3e-2)
    assert best.best_epoch < 6, "the test needs a run whose best epoch is not its last"
    assert same(weights(best), shorter.last_state)
    assert same(weights(last), best.last_state)
    assert not same(weights(best), weights(last))
    assert right(masked_logits(best.method, validation), validation)[0] == pytest.approx(best.best_accuracy)
    assert right(masked_logits(last.method, validation), validation)[0] == pytest.approx(best.last_accuracy)


def test_without_validation_the_last_epoch_counts(train: HeadClips) -> None:
    result = run("erm", train, None, epochs=2)
    assert result.best_epoch == 2
    assert np.isnan(result.best_accuracy)
    assert same(weights(result), result.last_state)


def test_what_is_told_of_untold_and_silent_clips_changes_nothing() -> None:
    """Their texts and their sound are never looked at."""
    table = toy_table(200, 3, silent=0.3, untold=0.3)
    untold, silent = ~table.facts.narrated, ~table.audio.heard
    noisy = replace(
        table,
        facts=replace(table.facts, audio_narration=np.where(silent & ~untold, 7, table.facts.audio_narration)),
        audio=replace(table.audio, values=np.where(silent[:, None], 9.0, table.audio.values).astype(np.float32)),
    )
    found = [run("narration_aligned", HeadClips(t, toy_narrations()), None, epochs=2) for t in (table, noisy)]
    assert same(weights(found[0]), weights(found[1]))


def test_silent_clips_are_judged_by_their_video(train: HeadClips) -> None:
    method = run("erm", train, None, epochs=1).method
    logits = masked_logits(method, toy_clips(100, 4, silent=1.0))
    np.testing.assert_array_equal(logits[:, 0], logits[:, 1])


def test_every_clip_is_judged_whatever_the_batch(train: HeadClips) -> None:
    method, clips = run("erm", train, None, epochs=1).method, toy_clips(1100, 5)
    logits = masked_logits(method, clips)
    assert logits.shape == (1100, 3, 4)
    alone = masked_logits(method, clips, chosen=np.array([1099, 3]))
    np.testing.assert_allclose(alone, logits[[1099, 3]], atol=1e-5)


def test_memory_maps_and_resident_clips_train_the_same(train: HeadClips) -> None:
    table, narrations = toy_table(300, 6, silent=0.2, untold=0.2), toy_narrations(subjects=3)
    mapped, resident = (HeadClips(table, narrations, resident=kind) for kind in (False, True))
    found = [run("narration_aligned", clips, clips, epochs=2, drop_audio=0.2) for clips in (mapped, resident)]
    for name, value in weights(found[0]).items():
        torch.testing.assert_close(value, weights(found[1])[name], msg=name)


def test_a_subject_is_drawn_anew_for_every_narration() -> None:
    """With several wordings the texts differ from those of one, and so do the weights."""
    table = toy_table(200, 7)
    one, three = (HeadClips(table, toy_narrations(subjects)) for subjects in (1, 3))
    assert not same(
        weights(run("align_visual", one, None, epochs=1)), weights(run("align_visual", three, None, epochs=1))
    )


def test_learning_rate_is_multistep() -> None:
    settings = FitSettings()
    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)], settings.lr)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, list(settings.milestones), settings.gamma)
    for epoch in range(settings.epochs):
        assert learning_rate(settings, epoch) == pytest.approx(schedule.get_last_lr()[0], rel=1e-12)
        optimiser.step()
        schedule.step()


def test_a_loss_that_is_no_number_ends_the_run(train: HeadClips) -> None:
    with pytest.raises(RunError, match=r"erm: the loss is (nan|inf) in epoch \d+; lower the learning rate"):
        run("erm", train, None, lr=1e30, epochs=3)


def test_too_few_clips_are_refused() -> None:
    with pytest.raises(DatasetError, match="1 clips in batches of 32 are too few"):
        run("erm", toy_clips(1, 0), None)


def test_fewer_clips_than_a_batch_make_one_batch() -> None:
    assert run("erm", toy_clips(20, 0), None, epochs=1).epochs == 1
