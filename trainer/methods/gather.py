"""Clips of all ranks side by side, for losses that compare clips of a batch.

Every rank computes such a loss in full, over the clips of all ranks. The gradient that reaches a rank's own clips is
the sum over the ranks, and DistributedDataParallel's mean over the ranks then gives exactly the gradient of one process
with the joined batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed.nn.functional as distributed
from torch import Tensor

Gather = Callable[[Tensor], Tensor]
"""[B, ...] of this rank -> [ranks * B, ...], in the order of the ranks; its backward sums over the ranks."""


def alone(x: Tensor) -> Tensor:
    """One process: the batch is all there is."""
    return x


def across_ranks(x: Tensor) -> Tensor:
    """All ranks of the default process group, which must hold batches of the same size."""
    return torch.cat(distributed.all_gather(x), dim=0)
