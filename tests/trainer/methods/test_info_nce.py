from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients, cosine
from trainer.methods.info_nce import info_nce, mean_over
from trainer.methods.narration_aligned import INITIAL_LOG_TEMPERATURE

RANDOM = np.random.default_rng(0)
N, D = 6, 5
X, T = RANDOM.standard_normal((N, D)), RANDOM.standard_normal((N, D))
LOG_TEMPERATURE = torch.tensor(math.log(0.3), dtype=torch.float64)


def literal_info_nce(x: Array, t: Array, log_temperature: Array) -> float:
    """In loops: each row against all narrations, each narration against all rows."""
    tau = math.exp(log_temperature)
    total = 0.0
    for i in range(len(x)):
        pair = math.exp(cosine(x[i], t[i]) / tau)
        total -= math.log(pair / sum(math.exp(cosine(x[i], t[j]) / tau) for j in range(len(x))))
        total -= math.log(pair / sum(math.exp(cosine(x[j], t[i]) / tau) for j in range(len(x))))
    return total / len(x)


@pytest.mark.parametrize("log_temperature", [INITIAL_LOG_TEMPERATURE, 0.0, math.log(0.5)])
def test_value_and_gradients_equal_the_loops(log_temperature: float) -> None:
    assert_same_value_and_gradients(info_nce, literal_info_nce, [X, T, np.array(log_temperature)], atol=1e-6)


def test_is_symmetric() -> None:
    x, t = torch.from_numpy(X), torch.from_numpy(T)
    torch.testing.assert_close(info_nce(x, t, LOG_TEMPERATURE), info_nce(t, x, LOG_TEMPERATURE), rtol=1e-12, atol=0)


def test_length_does_not_matter_and_order_does() -> None:
    x = torch.from_numpy(X)
    longer = x * torch.arange(1, N + 1)[:, None]
    torch.testing.assert_close(info_nce(longer, x, LOG_TEMPERATURE), info_nce(x, x, LOG_TEMPERATURE))
    assert info_nce(x, x, LOG_TEMPERATURE) < info_nce(x, x.roll(1, 0), LOG_TEMPERATURE)


def test_untold_rows_are_neither_anchors_nor_negatives() -> None:
    told = torch.tensor([True, False, True, True, False, True])
    x, t = torch.from_numpy(X).requires_grad_(), torch.from_numpy(T)
    loss = info_nce(x, t, LOG_TEMPERATURE, told)
    assert loss.item() == pytest.approx(literal_info_nce(X[told], T[told], LOG_TEMPERATURE.numpy()), rel=1e-9)
    loss.backward()
    assert x.grad is not None
    assert torch.equal(x.grad.abs().sum(dim=1) > 0, told)


def test_without_any_told_row_it_is_zero_and_has_a_gradient() -> None:
    x = torch.from_numpy(X).requires_grad_()
    loss = info_nce(x, torch.from_numpy(T), LOG_TEMPERATURE, torch.zeros(N, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros(N, D, dtype=torch.float64))


def test_rows_of_other_ranks_are_negatives() -> None:
    x, t = torch.from_numpy(X), torch.from_numpy(T)
    # This "rank" holds the first two rows; the others come from gather.
    unit = {"x": torch.nn.functional.normalize(x, dim=1), "t": torch.nn.functional.normalize(t, dim=1)}

    def gather(rows: torch.Tensor) -> torch.Tensor:
        if rows.dtype == torch.bool:
            return torch.ones(N, dtype=torch.bool)
        whole = unit["x"] if torch.equal(rows, unit["x"][:2]) else unit["t"]
        return torch.cat([rows, whole[2:]])

    ours = info_nce(x[:2], t[:2], LOG_TEMPERATURE, gather=gather)
    torch.testing.assert_close(ours, info_nce(x, t, LOG_TEMPERATURE), rtol=1e-12, atol=0)
    assert not torch.isclose(ours, info_nce(x[:2], t[:2], LOG_TEMPERATURE))


def test_autocast_leaves_it_in_float32() -> None:
    x, t = torch.from_numpy(X).float(), torch.from_numpy(T).float()
    plain = info_nce(x, t, LOG_TEMPERATURE.float())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(info_nce(x, t, LOG_TEMPERATURE.float()), plain)
        assert info_nce(x.bfloat16(), t.bfloat16(), LOG_TEMPERATURE.float()).dtype == torch.float32


def test_the_mean_over_a_single_row_is_its_value_and_over_none_is_zero() -> None:
    values = torch.tensor([3.0, 5.0])
    assert float(mean_over(values, torch.tensor([False, True]))) == 5.0
    assert float(mean_over(values, torch.tensor([False, False]))) == 0.0
