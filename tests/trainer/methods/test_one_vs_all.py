from __future__ import annotations

import math

import numpy as np
import torch

from tests.trainer.methods.literal import Array, assert_same_value_and_gradients
from trainer.methods.one_vs_all import one_vs_all_loss

RANDOM = np.random.default_rng(0)
LOGITS, LABELS = RANDOM.standard_normal((6, 4)), RANDOM.integers(0, 4, 6)


def literal_one_vs_all(logits: Array) -> float:
    total = 0.0
    for row, label in zip(logits, LABELS, strict=True):
        for k, score in enumerate(row):
            p = 1 / (1 + math.exp(-score))
            total -= math.log(p if k == label else 1 - p)
    return total / len(logits)


def test_value_and_gradient_equal_the_loops() -> None:
    assert_same_value_and_gradients(
        lambda logits: one_vs_all_loss(logits, torch.from_numpy(LABELS)), literal_one_vs_all, [LOGITS]
    )


def test_classes_do_not_compete() -> None:
    logits = torch.from_numpy(LOGITS).requires_grad_()
    raised = torch.from_numpy(LOGITS).index_add(1, torch.tensor([1]), torch.ones(6, 1, dtype=torch.float64))
    raised.requires_grad_()
    labels = torch.zeros(6, dtype=torch.int64)
    one_vs_all_loss(logits, labels).backward()
    one_vs_all_loss(raised, labels).backward()
    assert logits.grad is not None
    assert raised.grad is not None
    assert torch.equal(logits.grad[:, [0, 2, 3]], raised.grad[:, [0, 2, 3]])
    assert (raised.grad[:, 1] > logits.grad[:, 1]).all()
