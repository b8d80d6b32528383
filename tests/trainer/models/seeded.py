"""Weights by a written formula, of the scale of a trained network: equal on every machine and in every version."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def seed_weights(net: nn.Module) -> None:
    """Fill every floating-point parameter and buffer that is saved with the network."""
    net.load_state_dict(seeded_state(net.state_dict()), strict=True)


def seeded_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names and shapes of `state` with values from the formula; counters stay as they are."""
    return {name: _values(name, value) if value.is_floating_point() else value for name, value in state.items()}


def _values(name: str, like: Tensor) -> Tensor:
    noise = uniform(name, tuple(like.shape))
    if name.endswith("running_var"):
        values = 1.0 + 0.3 * np.abs(noise)
    elif name.endswith("weight_g"):
        values = 3.0 + noise
    elif name.endswith(("running_mean", "bias")):
        values = 0.1 * noise
    elif like.dim() <= 1:
        values = 1.0 + 0.2 * noise
    else:
        values = noise * np.sqrt(1.4 / like[0].numel())
    return torch.from_numpy(values).float()


def uniform(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Values of unit variance: a 32-bit integer hash of the position, seeded by the CRC of the name."""
    x = np.arange(int(np.prod(shape)), dtype=np.uint64) * 2654435761 + zlib.crc32(name.encode())
    for _ in range(2):
        x &= 0xFFFFFFFF
        x = (x ^ (x >> 16)) * 73244475
    x &= 0xFFFFFFFF
    x ^= x >> 16
    return (x.astype(np.float64) / 2**31 - 1.0).reshape(shape) * np.sqrt(3.0)
