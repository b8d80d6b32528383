"""Two processes with half a batch each against one process with the whole batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.trainer.methods.toy import SPEC, settle, toy_batch
from trainer.methods.batch import Batch
from trainer.methods.gather import Gather, across_ranks, alone
from trainer.methods.method import LooksAhead
from trainer.methods.table import METHODS

SMALLER = {"simmmdg": {"hidden": 10, "contrast_dim": 6, "classifier_hidden": 10}}
NEVER_PAIRED = {"erm", "erm_r", "one_vs_all", "mixup", "dann", "doprompt"}
"""Their losses are means over clips; there is nothing to gather. (Mixup's partners are of the same rank.)"""


def whole_batch() -> Batch:
    narrated = torch.ones(16, 2, dtype=torch.bool)
    narrated[3, 0] = narrated[9, 1] = False
    return toy_batch(16, dtype=torch.float64)._replace(narrated=narrated)


def built(name: str, gather: Gather) -> nn.Module:
    torch.manual_seed(0)
    chosen = {} if name in NEVER_PAIRED else {"gather": gather}
    method = METHODS[name](SPEC, **SMALLER.get(name, {}), **chosen)
    assert isinstance(method, nn.Module)
    settle(method)  # BatchNorm in eval mode: joining its statistics is SyncBatchNorm's task
    if isinstance(method, LooksAhead):
        method.begin_epoch([whole_batch()])
    return method


def train_half(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    half = Batch(*(x[rank * 8 : rank * 8 + 8] if isinstance(x, Tensor) else x for x in whole_batch()))
    found = {}
    for name in METHODS:
        if name == "mixup":
            continue
        method = DistributedDataParallel(built(name, across_ranks))
        loss = method(half)
        loss.backward()
        found[name] = (loss.detach(), [p.grad for p in method.parameters()])
    torch.save(found, f"{folder}/rank{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_find_the_gradients_of_one(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(train_half, args=(str(tmp_path),), nprocs=2)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    for name in ranks[0]:
        method = built(name, alone)
        loss = method(whole_batch())
        loss.backward()
        losses = torch.stack([rank[name][0] for rank in ranks])
        torch.testing.assert_close(losses.mean(), loss.detach(), rtol=1e-9, atol=0, msg=name)
        for rank in ranks:
            for ours, parameter in zip(rank[name][1], method.parameters(), strict=True):
                torch.testing.assert_close(ours, parameter.grad, rtol=1e-7, atol=1e-9, msg=name)
