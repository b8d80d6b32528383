"""Clips grouped by domain, without a loop over domains."""

from __future__ import annotations

import torch
from torch import Tensor


def membership(domain: Tensor, domains: int) -> Tensor:
    """bool [N, domains]: clip i is of domain d. domain: int64 [N]."""
    return domain[:, None] == torch.arange(domains, device=domain.device)


def pairs_above(present: Tensor) -> Tensor:
    """bool [D, D]: both domains are present (bool [D]), each pair once."""
    return (present[:, None] & present).triu(diagonal=1)
