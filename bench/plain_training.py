"""The loop to compare with: a Dataset that reads one clip at a time, a DataLoader, and the usual ten lines."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Subset

from bench.head_data import MadeUpClips
from trainer.methods.batch import Batch
from trainer.methods.method import Method


class PlainDataset(Dataset[dict[str, torch.Tensor]]):
    """The made-up clips, one by one from their memory maps."""

    def __init__(self, clips: MadeUpClips) -> None:
        self.appearance, self.motion, self.audio = (clips.array(name) for name in ("appearance", "motion", "audio"))
        self.text, self.count = clips.array("text"), clips.count
        self.label, self.domain, self.r = (clips.column(name) for name in ("label", "domain", "r"))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, clip: int) -> dict[str, torch.Tensor]:
        return {
            "appearance": torch.from_numpy(np.array(self.appearance[clip])),
            "motion": torch.from_numpy(np.array(self.motion[clip])),
            "audio": torch.from_numpy(np.array(self.audio[clip])),
            "label": torch.tensor(int(self.label[clip])),
            "scenario": torch.tensor(int(self.domain[clip, 0])),
            "location": torch.tensor(int(self.domain[clip, 1])),
            "r": torch.tensor(float(self.r[clip])),
            "text_visual": torch.from_numpy(np.array(self.text[clip])),
            "text_audio": torch.from_numpy(np.array(self.text[self.count + clip])),
        }


def plain_loader(dataset: PlainDataset, chosen: NDArray[np.int64], batch: int, workers: int, device: str) -> DataLoader:
    """Shuffled batches of the clips `chosen`."""
    return DataLoader(
        Subset(dataset, chosen.tolist()),
        batch_size=batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        # As a script on Linux. In a spawned process PyTorch would else copy the mapped files to its workers.
        multiprocessing_context="fork" if workers else None,
        pin_memory=device != "cpu",
    )


def train_plainly(method: Method, optimiser: torch.optim.Optimizer, loader: DataLoader, device: str) -> float:
    """One pass; clips per second, without the start of the loader's workers."""
    method.train()
    clips, started = 0, 0.0
    for number, parts in enumerate(loader):
        if number == 0:
            started = time.perf_counter()  # the first batch is not counted: its workers had to start
            continue
        batch = Batch(**{name: part.to(device, non_blocking=True) for name, part in parts.items()})
        loss = method(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if not np.isfinite(loss.item()):
            raise ValueError("the loss is no number")
        clips += len(batch.label)
    return clips / (time.perf_counter() - started)


def load_plainly(loader: DataLoader, device: str) -> float:
    """The same without a model: what the loader gives, on the device."""
    clips, started = 0, 0.0
    for number, parts in enumerate(loader):
        if number == 0:
            started = time.perf_counter()
            continue
        batch = Batch(**{name: part.to(device, non_blocking=True) for name, part in parts.items()})
        clips += len(batch.label)
    if device != "cpu":
        torch.cuda.synchronize()
    return clips / (time.perf_counter() - started)
