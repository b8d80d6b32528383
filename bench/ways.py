"""The ways of training that bench.train compares: a pass of each over given clips, with or without the arithmetic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.head_data import MadeUpClips
from bench.plain_training import PlainDataset, load_plainly, plain_loader, train_plainly
from trainer.loop.build import build
from trainer.loop.epoch import draw_epoch
from trainer.loop.fit import fit
from trainer.loop.head_clips import Draw, HeadClips
from trainer.loop.settings import FitSettings, Precision
from trainer.methods.batch import Batch

WAYS = ("ours, memory map", "ours, resident", "plain, 0 workers", "plain, 2 workers")
"""The number of workers may be another one."""
METHOD = "narration_aligned"

Pass = Callable[[NDArray[np.int64]], float]
"""One pass over the clips with these numbers, in an order of its own; clips per second."""


@dataclass(frozen=True)
class Plan:
    """What every way does."""

    clips: MadeUpClips
    hidden: int
    out: int
    batch: int
    steps: int
    """Batches of a pass."""
    threads: int
    device: str
    what: Literal["training", "loading"] = "training"
    """Whole steps, or the batches of clips alone, on the device."""
    precision: Precision = "float32"
    """Ours; the plain loop is float32."""


def make_pass(plan: Plan, way: str) -> Pass:
    """A pass of one of WAYS; a model that it trains is trained further by the next pass of the plain loop."""
    torch.set_num_threads(plan.threads)
    if way.startswith("ours"):
        return _ours(plan, way.endswith("resident"))
    return _plain(plan, int(way.split()[1]))


def workers_of(way: str) -> int:
    """Processes beside the main one."""
    return 0 if way.startswith("ours") else int(way.split()[1])


class SomeClips(HeadClips):
    """All clips, of which a pass sees those that are `chosen`."""

    chosen: Tensor

    def choose(self, chosen: NDArray[np.int64]) -> None:
        """What the next pass sees."""
        self.chosen = torch.from_numpy(chosen).to(self.device if self.resident else "cpu")

    def __len__(self) -> int:
        return len(self.chosen)

    def drawn(self, draw: Draw) -> Batch:
        return super().drawn(draw._replace(clips=self.chosen[draw.clips]))


def _ours(plan: Plan, resident: bool) -> Pass:
    spec = plan.clips.head_spec(plan.hidden, plan.out)
    settings = FitSettings(epochs=1, batch=plan.batch, precision=plan.precision, keep="last")
    clips = SomeClips(plan.clips.table(), plan.clips.narrations(), plan.device, resident)

    def train(chosen: NDArray[np.int64]) -> float:
        clips.choose(chosen)
        return fit(METHOD, {}, spec, clips, None, settings, None, lambda line: None).clips_per_s

    def load(chosen: NDArray[np.int64]) -> float:
        clips.choose(chosen)
        started = time.perf_counter()
        count = _consumed(clips.batches(draw_epoch(clips, settings, 0, plan.batch)), plan.device)
        return count / (time.perf_counter() - started)

    return train if plan.what == "training" else load


def _consumed(batches: Iterable[Batch], device: str) -> int:
    clips = 0
    for batch in batches:
        clips += len(batch.label)
    if device != "cpu":
        torch.cuda.synchronize()
    return clips


def _plain(plan: Plan, workers: int) -> Pass:
    dataset = PlainDataset(plan.clips)

    def load(chosen: NDArray[np.int64]) -> float:
        return load_plainly(plain_loader(dataset, chosen, plan.batch, workers, plan.device), plan.device)

    if plan.what == "loading":
        return load
    torch.manual_seed(0)
    method = build(METHOD, {}, plan.clips.head_spec(plan.hidden, plan.out))
    method.to(torch.device(plan.device))
    optimiser = torch.optim.Adam(method.parameters(), lr=2e-4)

    def train(chosen: NDArray[np.int64]) -> float:
        loader = plain_loader(dataset, chosen, plan.batch, workers, plan.device)
        return train_plainly(method, optimiser, loader, plan.device)

    return train


def loading(plan: Plan) -> Plan:
    """The same without arithmetic; a pass is an epoch."""
    return replace(plan, what="loading", steps=plan.clips.count // plan.batch)
