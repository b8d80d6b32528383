from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cross_entropy
from tests.trainer.methods.test_info_nce import literal_info_nce
from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.erm import Erm, erm_loss
from trainer.methods.head_spec import HeadSpec
from trainer.methods.narration_aligned import NarrationAligned, borrow_narrations
from trainer.models.fusion import Modalities

RANDOM = np.random.default_rng(0)
N, D = 8, 5
AP, M, A = (RANDOM.standard_normal((N, D)) for _ in range(3))
BATCH = toy_batch(N, dtype=torch.float64)


def aligned(spec: HeadSpec = SPEC, **choices: float | bool) -> NarrationAligned:
    torch.manual_seed(0)
    method = NarrationAligned(spec, **choices)  # type: ignore[arg-type]
    settle(method)
    return method


def test_alignment_and_its_gradients_equal_the_loops() -> None:
    method = aligned(HeadSpec(10, 6, 5, 4, 3, 2, 7, hidden=12, out=D))
    t, t_audio = (method.f_text(text).detach().numpy() for text in (BATCH.text_visual, BATCH.text_audio))
    temperature = np.array(method.log_temperature.item())

    def ours(ap: Tensor, m: Tensor, a: Tensor) -> Tensor:
        return method.alignment(BATCH, (ap, m, a))

    def literal(ap: Array, m: Array, a: Array) -> float:
        return sum(literal_info_nce(x, narration, temperature) for x, narration in ((ap, t), (m, t), (a, t_audio)))

    assert_same_value_and_gradients(ours, literal, [AP, M, A])


@pytest.mark.parametrize("audio_narrations", [False, True])
@pytest.mark.parametrize("weight_by_r", [False, True])
def test_every_row_of_table_4_equals_its_formula(audio_narrations: bool, weight_by_r: bool) -> None:
    method = aligned(audio_narrations=audio_narrations, weight_by_r=weight_by_r)
    ap, m, a = (x.detach().numpy() for x in method.model.embed(BATCH.appearance, BATCH.motion, BATCH.audio))
    t, t_audio = (method.f_text(text).detach().numpy() for text in (BATCH.text_visual, BATCH.text_audio))
    r = BATCH.r.numpy()[:, None] if weight_by_r else 1.0
    h = method.model.classifier
    logits = np.concatenate([ap, m, r * a], axis=1) @ h.weight.detach().numpy().T + h.bias.detach().numpy()
    pairs = ((ap, t), (m, t), (a, t_audio if audio_narrations else t))
    temperature = np.array(method.log_temperature.item())
    expected = cross_entropy(logits, BATCH.label.numpy()) + 0.1 * sum(literal_info_nce(*p, temperature) for p in pairs)
    assert method(BATCH).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("modalities", "pairs"),
    [("ap", "t"), ("mo", "t"), ("au", "a"), ("ap-mo", "t"), ("ap+mo", "tt"), ("ap+mo+au", "tta")],
)
def test_every_stream_aligns_with_its_narration(modalities: Modalities, pairs: str) -> None:
    method = aligned(HeadSpec(10, 6, 5, 4, 3, 2, 7, modalities, hidden=12, out=8))
    embeddings = method.model.embed(BATCH.appearance, BATCH.motion, BATCH.audio)
    text = {"t": method.f_text(BATCH.text_visual), "a": method.f_text(BATCH.text_audio)}
    temperature = np.array(method.log_temperature.item())
    expected = sum(
        literal_info_nce(x.detach().numpy(), text[narration].detach().numpy(), temperature)
        for x, narration in zip(embeddings, pairs, strict=True)
    )
    assert method.alignment(BATCH, embeddings).item() == pytest.approx(expected, rel=1e-9)


def test_r_of_one_is_no_weighting() -> None:
    sure = BATCH._replace(r=torch.ones_like(BATCH.r))
    assert torch.equal(aligned()(sure), aligned(weight_by_r=False)(BATCH))
    assert not torch.equal(aligned()(BATCH), aligned(weight_by_r=False)(BATCH))


def test_alignment_sees_neither_r_nor_what_is_hidden() -> None:
    method = aligned()
    embeddings = method.model.embed(BATCH.appearance, BATCH.motion, BATCH.audio)
    other = BATCH._replace(r=torch.zeros_like(BATCH.r), visible=torch.zeros(8, 3, dtype=torch.float64))
    assert torch.equal(method.alignment(BATCH, embeddings), method.alignment(other, embeddings))


def test_weight_zero_is_the_baseline() -> None:
    baseline = Erm(SPEC)
    settle(baseline)
    method = aligned(weight=0.0, weight_by_r=False)
    baseline.model.load_state_dict(method.model.state_dict())
    torch.testing.assert_close(method(BATCH), baseline(BATCH), rtol=1e-12, atol=0)
    torch.testing.assert_close(baseline(BATCH), erm_loss(method.logits(BATCH, torch.ones(8, 3)), BATCH.label))


def test_clips_without_a_narration_are_left_out_of_their_alignment_only() -> None:
    visual = torch.tensor([True, True, False, True, True, False, True, False])
    heard = torch.tensor([False, True, True, True, False, True, False, True])
    method = aligned()
    empty = BATCH._replace(
        text_visual=BATCH.text_visual * visual[:, None],
        text_audio=BATCH.text_audio * heard[:, None],
        narrated=torch.stack([visual, heard], dim=1),
    )
    embeddings = method.model.embed(BATCH.appearance, BATCH.motion, BATCH.audio)
    ap, m, a = (x.detach().numpy() for x in embeddings)
    t, t_audio = (method.f_text(text).detach().numpy() for text in (BATCH.text_visual, BATCH.text_audio))
    temperature = np.array(method.log_temperature.item())
    pairs = ((ap[visual], t[visual]), (m[visual], t[visual]), (a[heard], t_audio[heard]))
    expected = sum(literal_info_nce(*pair, temperature) for pair in pairs)
    assert method.alignment(empty, embeddings).item() == pytest.approx(expected, rel=1e-9)


def test_rows_without_a_narration_borrow_one_in_turn() -> None:
    text = torch.tensor([[0.0], [10.0], [0.0], [30.0], [0.0], [0.0]])
    told = torch.tensor([False, True, False, True, False, False])
    borrowed = borrow_narrations(text, told)
    assert torch.equal(borrowed[told], text[told])
    assert set(borrowed[~told].flatten().tolist()) == {10.0, 30.0}
    assert torch.equal(borrow_narrations(text, torch.ones(6, dtype=torch.bool)), text)
    assert borrow_narrations(text, torch.zeros(6, dtype=torch.bool)).shape == text.shape


def test_what_stands_in_for_a_missing_narration_is_never_seen() -> None:
    """Not even by the batch statistics of f_text's BatchNorm."""
    narrated = torch.ones(8, 2, dtype=torch.bool)
    narrated[[1, 4], 0] = narrated[[2, 7], 1] = False
    losses, statistics = [], []
    for filler in (0.0, 1e3):
        method = aligned().train()
        visual = BATCH.text_visual.masked_fill(~narrated[:, :1], filler)
        audio = BATCH.text_audio.masked_fill(~narrated[:, 1:], filler)
        losses.append(method(BATCH._replace(text_visual=visual, text_audio=audio, narrated=narrated)))
        statistics.append({name: b.clone() for name, b in method.f_text.named_buffers()})
    assert torch.equal(*losses)
    assert all(torch.equal(value, statistics[1][name]) for name, value in statistics[0].items())


def test_a_batch_without_narrations_is_the_baseline_and_trains_everything() -> None:
    method = aligned().train()
    untold = BATCH._replace(narrated=torch.zeros(8, 2, dtype=torch.bool))
    loss = method(untold)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())
    assert method.log_temperature.grad == 0


def test_the_temperature_is_learned_and_starts_at_007() -> None:
    method = aligned()
    assert method.log_temperature.exp().item() == pytest.approx(0.07)
    method(BATCH).backward()
    assert method.log_temperature.grad != 0
