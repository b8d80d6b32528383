"""Training of any method of METHODS, read top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from edge.contract import HEAD_MASK
from trainer.loop.build import build, describe
from trainer.loop.epoch import batch_size, derived_seed, draw_epoch, draw_look
from trainer.loop.errors import RunError
from trainer.loop.head_clips import HeadClips
from trainer.loop.kept_memory import kept_memory
from trainer.loop.metrics import Metrics
from trainer.loop.pace import Pace
from trainer.loop.predict import accuracy
from trainer.loop.products import fast_products
from trainer.loop.ranks import current_ranks, parallel
from trainer.loop.run_state import Place, RunState, copied
from trainer.loop.settings import FitResult, FitSettings, autocasts, learning_rate
from trainer.methods.head_spec import HeadSpec
from trainer.methods.method import LooksAhead

Log = Callable[[str], None]


def fit(
    method: str,
    hyper: Mapping[str, Any],
    spec: HeadSpec,
    train: HeadClips,
    validation: HeadClips | None,
    settings: FitSettings,
    out: Path | None,
    log: Log,
    save_every_s: float = 60.0,
) -> FitResult:
    """Train one head; the same seed and data give the same weights on one processor.

    In processes that `torchrun` started and `join_torchrun` joined, all train it together; every one calls this.

    Args:
        method: a name of METHODS. hyper: its hyper-parameters by name; {} for the papers'.
        out: folder of the run, for metrics and for going on after a kill; None leaves nothing on the disk. Several
            machines must all see it.
        log: gets a line now and then.
        save_every_s: a killed run loses no more than this.

    Raises:
        RunError: `out` holds another run or cannot be written, or the loss is not finite.
        DatasetError: there are too few clips for a batch.
        UsageError: there is no such method or hyper-parameter.
    """
    ranks, device = current_ranks(), train.device
    size = batch_size(len(train), settings, ranks.count)
    steps = len(train) // size
    amp = autocasts(settings, device)
    masks = HEAD_MASK if settings.drop_video or settings.drop_audio else HEAD_MASK[:1]

    generators = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with generators, fast_products(device), kept_memory(device):
        torch.manual_seed(settings.seed)
        model = build(method, hyper, spec, ranks.count > 1).to(device)
        network = parallel(model, device, ranks)
        optimiser = torch.optim.Adam(model.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=True)
        torch.manual_seed(derived_seed(settings.seed, ranks.index, "rank"))  # dropout differs between the ranks

        saved = RunState(out, describe(method, hyper, spec, train, validation, settings, ranks.count), ranks, device)
        at = saved.restore(model, optimiser) or Place(device)
        metrics = Metrics(out if ranks.first else None, at.epoch)
        pace = Pace(((settings.epochs - at.epoch) * steps - at.step) * size, at.seconds)
        saved_s = time.monotonic()

        while at.epoch < settings.epochs:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings, at.epoch)
            if isinstance(model, LooksAhead) and at.step == 0:
                model.begin_epoch(train.batches(draw_look(train, settings, at.epoch, model.epoch_share, size)))
            draws = draw_epoch(train, settings, at.epoch, size)[at.step :]
            model.train()

            for batch in train.batches(map(ranks.share, draws)):
                with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                    loss = network(batch)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()

                at.loss_sum += loss.detach()
                at.step += 1
                at.seconds = pace.count(size)
                if ranks.first and pace.due():
                    mean = float(at.loss_sum) / at.step
                    log(f"epoch {at.epoch + 1} of {settings.epochs}, step {at.step}: loss {mean:.3f}, {pace}")
                if ranks.time_to_ask(at.step) and ranks.agreed(time.monotonic() - saved_s >= save_every_s, device):
                    saved.save(model, optimiser, at)
                    saved_s = time.monotonic()

            loss_mean = float(ranks.sum(at.loss_sum)) / (steps * ranks.count)
            if not math.isfinite(loss_mean):
                raise RunError(f"{method}: the loss is {loss_mean} in epoch {at.epoch + 1}; lower the learning rate")
            found = math.nan if validation is None else accuracy(model, validation, masks, ranks)
            at.end_epoch(found, device)
            if at.best_epoch == at.epoch and settings.keep == "best":
                at.best = copied(model)
            at.seconds = pace.count(0)
            metrics.write(at.epoch, loss_mean, found, learning_rate(settings, at.epoch - 1), pace.clips_per_s)

        saved.save(model, optimiser, at)
        metrics.close()

    last = copied(model)
    if settings.keep == "best":
        model.load_state_dict(at.best)
    if ranks.first:
        log(f"{settings.epochs} epochs: {_summary(at)}, {pace.clips_per_s:,.0f} clips/s, {at.seconds:.0f} s")
    return FitResult(
        method=model.eval(),
        epochs=at.epoch,
        best_epoch=at.best_epoch,
        best_accuracy=at.best_accuracy,
        last_accuracy=at.last_accuracy,
        last_state={name: value.cpu() for name, value in last.items()},
        seconds=at.seconds,
        clips_per_s=pace.clips_per_s,
    )


def _summary(at: Place) -> str:
    if math.isnan(at.last_accuracy):
        return "no validation"
    return f"validation {at.last_accuracy:.3f} (best {at.best_accuracy:.3f} after epoch {at.best_epoch})"
