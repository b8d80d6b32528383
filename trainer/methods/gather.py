"""Clips of all ranks side by side, for losses that compare clips of a batch.

Every rank computes such a loss in full, over the clips of all ranks. The gradient that reaches a rank's own clips is
the sum over the ranks, and DistributedDataParallel's mean over the ranks then gives exactly the gradient of one process
with the joined batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

Gather = Callable[[Tensor], Tensor]
"""[B, ...] of this rank -> [ranks * B, ...], in the order of the ranks; its backward sums over the ranks."""


def alone(x: Tensor) -> Tensor:
    """One process: the batch is all there is."""
    return x


def across_ranks(x: Tensor) -> Tensor:
    """All ranks of the default process group, which must hold batches of the same size."""
    return _Joined.apply(x)


def own_rows(joined: Tensor, count: int) -> Tensor:
    """This rank's `count` rows of what a Gather gave."""
    first = dist.get_rank() * count if len(joined) > count else 0
    return joined[first : first + count]


class _Joined(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]
