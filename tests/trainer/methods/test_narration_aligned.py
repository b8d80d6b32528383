from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from trainer.methods.erm import consistency_scale, erm_loss
from trainer.methods.narration_aligned import INITIAL_LOG_TEMPERATURE, info_nce, narration_aligned_loss

RANDOM = np.random.default_rng(0)
N, D, K = 6, 5, 4
AP, M, A, T, T_AUDIO = (RANDOM.standard_normal((N, D)) for _ in range(5))
LOGITS = RANDOM.standard_normal((N, K))
LABELS = RANDOM.integers(0, K, N)


def literal_info_nce(x: NDArray, t: NDArray, log_temperature: float) -> float:
    """Equation 1 in loops: each row against all narrations, each narration against all rows."""
    tau = math.exp(log_temperature)

    def similarity(i: int, j: int) -> float:
        return float(x[i] @ t[j] / (np.linalg.norm(x[i]) * np.linalg.norm(t[j])))

    total = 0.0
    for i in range(len(x)):
        pair = math.exp(similarity(i, i) / tau)
        total -= math.log(pair / sum(math.exp(similarity(i, j) / tau) for j in range(len(x))))
        total -= math.log(pair / sum(math.exp(similarity(j, i) / tau) for j in range(len(x))))
    return total / len(x)


def literal_cross_entropy(logits: NDArray, labels: NDArray) -> float:
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total -= math.log(math.exp(row[label]) / sum(math.exp(value) for value in row))
    return total / len(labels)


def literal_loss(logits: NDArray, ap: NDArray, m: NDArray, a: NDArray, t: NDArray, ta: NDArray, lt: NDArray) -> float:
    temperature = float(lt)
    alignment = sum(literal_info_nce(x, narration, temperature) for x, narration in ((ap, t), (m, t), (a, ta)))
    return literal_cross_entropy(logits, LABELS) + 0.1 * alignment


def finite_difference(function: Callable[[], float], array: NDArray, step: float = 1e-6) -> NDArray:
    gradient = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


@pytest.mark.parametrize("log_temperature", [INITIAL_LOG_TEMPERATURE, 0.0, math.log(0.5)])
def test_info_nce_equals_the_loops(log_temperature: float) -> None:
    ours = info_nce(torch.from_numpy(AP), torch.from_numpy(T), torch.tensor(log_temperature, dtype=torch.float64))
    assert float(ours) == pytest.approx(literal_info_nce(AP, T, log_temperature), rel=1e-9)


def test_loss_and_gradients_equal_the_loops() -> None:
    arrays = [array.copy() for array in (LOGITS, AP, M, A, T, T_AUDIO, np.array(math.log(0.3)))]
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    logits, ap, m, a, t, t_audio, log_temperature = tensors
    loss = narration_aligned_loss(logits, torch.from_numpy(LABELS), (ap, m, a), t, t_audio, log_temperature)
    loss.backward()
    assert loss.item() == pytest.approx(literal_loss(*arrays), rel=1e-9)
    for tensor, array in zip(tensors, arrays, strict=True):
        expected = finite_difference(lambda: literal_loss(*arrays), array)
        assert tensor.grad is not None
        assert np.abs(expected).max() > 1e-4, "a gradient of zero would prove nothing"
        np.testing.assert_allclose(tensor.grad, expected, atol=1e-7)


def test_aligned_pairs_cost_less_than_shuffled_ones() -> None:
    temperature = torch.tensor(INITIAL_LOG_TEMPERATURE)
    x = torch.from_numpy(AP)
    assert info_nce(x, x, temperature) < info_nce(x, x.roll(1, 0), temperature)


def test_weight_zero_is_erm() -> None:
    embeddings = (torch.from_numpy(AP), torch.from_numpy(M), torch.from_numpy(A))
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    narration = torch.from_numpy(T)
    loss = narration_aligned_loss(logits, labels, embeddings, narration, narration, torch.tensor(0.0), weight=0.0)
    assert torch.equal(loss, erm_loss(logits, labels))
    assert float(loss) == pytest.approx(literal_cross_entropy(LOGITS, LABELS))


def test_consistency_scales_audio_only() -> None:
    scale = consistency_scale(torch.tensor([0.0, 0.25, 1.0]))
    assert scale.tolist() == [[1, 1, 0], [1, 1, 0.25], [1, 1, 1]]
    assert torch.equal(consistency_scale(torch.ones(4)), torch.ones(4, 3))
