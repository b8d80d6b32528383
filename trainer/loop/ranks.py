"""Several processes that train one head together, as `torchrun` starts them.

Every rank takes its share of each batch. Losses that compare clips see those of all ranks (`methods.gather`), and so
does BatchNorm; so the ranks train what one process would train with the whole batch, up to rounding.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edge.errors import UsageError
from trainer.loop.head_clips import Draw
from trainer.methods.gather import across_ranks
from trainer.methods.method import Method

ASK_EVERY_STEPS = 16


@dataclass(frozen=True)
class Ranks:
    """This process among `count`."""

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes files and talks."""
        return self.index == 0

    def share(self, draw: Draw) -> Draw:
        """This rank's part of a batch, whose size is a multiple of `count`."""
        size = len(draw.clips) // self.count
        return draw.rows(self.index * size, (self.index + 1) * size)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the ranks."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def time_to_ask(self, step: int) -> bool:
        """Whether to ask the first rank something after this step; asking makes all wait for it."""
        return self.count == 1 or step % ASK_EVERY_STEPS == 0

    def agreed(self, flag: bool, device: torch.device) -> bool:
        """What the first rank says."""
        if self.count == 1:
            return flag
        said = torch.tensor([flag], dtype=torch.uint8, device=device)
        dist.broadcast(said, src=0)
        return bool(said)

    def gathered(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values


def current_ranks() -> Ranks:
    """The default process group's, or this process alone."""
    return Ranks(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Ranks()


def join_torchrun(device: str) -> torch.device:
    """Join the processes that `torchrun` started (with NCCL on GPUs, with Gloo elsewhere); this rank's device.

    Without torchrun it is `device` itself.

    Raises:
        UsageError: there are fewer GPUs here than ranks.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return torch.device(device)
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.startswith("cuda"):
        if local >= torch.cuda.device_count():
            raise UsageError(f"rank {local} on this machine has no GPU of its own; start one process a GPU")
        torch.cuda.set_device(local)
        device = f"cuda:{local}"
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return torch.device(device)


def leave_torchrun() -> None:
    """End what `join_torchrun` began."""
    if dist.is_initialized():
        dist.destroy_process_group()


def parallel(method: Method, device: torch.device, ranks: Ranks) -> nn.Module:
    """What to call with a rank's share of a batch; `method` holds the weights, its BatchNorm layers are replaced."""
    assert isinstance(method, nn.Module)
    if ranks.count == 1:
        return method
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(method)
    else:
        _join_batch_norm(method)
    return DistributedDataParallel(method, broadcast_buffers=False)


class JoinedBatchNorm1d(nn.BatchNorm1d):
    """BatchNorm over the clips of all ranks, for processors: PyTorch's SyncBatchNorm needs a GPU.

    It gathers the activations, which costs more than gathering their statistics, but gives one process's gradients.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        joined = super().forward(across_ranks(input))
        return joined.chunk(dist.get_world_size())[dist.get_rank()]


def _join_batch_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d):
            joined = JoinedBatchNorm1d(child.num_features, child.eps, child.momentum)
            joined.load_state_dict(child.state_dict())
            setattr(module, name, joined)
        else:
            _join_batch_norm(child)
