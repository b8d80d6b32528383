"""Which clips make an epoch: an equal share for every class or every domain. Pure functions of a generator."""

from __future__ import annotations

import torch
from torch import Tensor


def balanced_indices(groups: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """Draw clips so that every group present has an equal share.

    Every run of G draws (G groups present) takes one clip of each group, in a new random order, so that batches are
    balanced too and not only their mean. Within a group clips are drawn with equal chance, with replacement.

    Args:
        groups: int64 [N], CPU, the group of every clip: `labels` for class-balanced sampling, `domain_groups(...)` for
            domain-balanced sampling.
        draws: number of indices; N for an epoch of the usual length.
        generator: source of randomness (CPU).

    Returns:
        int64 [draws], positions in `groups`.

    Raises:
        ValueError: no clips.
    """
    if not len(groups):
        raise ValueError("no clips to draw from")
    _, group, sizes = groups.unique(return_inverse=True, return_counts=True)
    by_group, first = group.argsort(stable=True), sizes.cumsum(0) - sizes
    rounds = -(-draws // len(sizes))
    order = torch.rand(rounds, len(sizes), generator=generator).argsort(dim=1).flatten()[:draws]
    within = torch.rand(draws, generator=generator, dtype=torch.float64) * sizes[order]
    return by_group[first[order] + within.long()]


def domain_groups(scenario: Tensor, location: Tensor) -> Tensor:
    """One group for every pair of scenario and location: int64 [N] of int64 [N] each."""
    return scenario * (int(location.max()) + 1 if len(location) else 1) + location
