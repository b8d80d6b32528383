"""Slow, literal pieces in NumPy float64 that the formulas are checked with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


def cross_entropy(logits: Array, labels: Sequence[int] | NDArray[np.int64]) -> float:
    """Mean over rows of -log softmax(row)[label]."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total -= math.log(math.exp(row[label]) / sum(math.exp(value) for value in row))
    return total / len(logits)


def cosine(x: Array, y: Array) -> float:
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


def unit(x: Array) -> Array:
    return np.stack([row / np.linalg.norm(row) for row in x])


def finite_difference(function: Callable[[], float], array: Array, step: float = 1e-6) -> Array:
    """Gradient of `function` by `array`, which it reads: central differences."""
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


def assert_same_value_and_gradients(
    ours: Callable[..., Tensor], slow: Callable[..., float], arrays: Sequence[Array], atol: float = 1e-7
) -> None:
    """ours(*tensors) and slow(*arrays) agree, and so do their gradients by every array."""
    copies = [np.array(array, np.float64) for array in arrays]
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in copies]
    value = ours(*tensors)
    np.testing.assert_allclose(value.item(), slow(*copies), rtol=1e-9)
    value.backward()
    for tensor, array in zip(tensors, copies, strict=True):
        expected = finite_difference(lambda: slow(*copies), array)
        assert np.abs(expected).max() > 1e-5, "a gradient of zero would prove nothing"
        assert tensor.grad is not None
        np.testing.assert_allclose(tensor.grad, expected, atol=atol)
