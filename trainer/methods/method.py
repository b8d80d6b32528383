"""What a training loop may ask of a method.

    method = METHODS[name](spec, **hyper_parameters)      # an nn.Module: everything that is trained
    for epoch in ...:
        if isinstance(method, LooksAhead):
            method.begin_epoch(batches of a random share `method.epoch_share` of the training clips)
        for batch in ...:
            loss = method(batch)                           # so that DistributedDataParallel(method)(batch) works
            loss.backward()
    logits = method.eval().logits(batch, scale)

The loss never waits for a GPU, its shapes depend on the batch size alone, and every parameter gets a gradient from
every batch. Randomness (Dropout, Mixup) comes from torch's global generator: `torch.manual_seed` decides. Losses that
compare clips are computed in float32 under autocast; float64 stays float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from trainer.methods.batch import Batch
from trainer.models.fusion import FusedModel


class Method(Protocol):
    """An nn.Module whose `forward` is the training loss."""

    model: FusedModel
    """What is kept after training; all that `logits` needs, except for DoPrompt."""

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch: a scalar."""
        ...

    def logits(self, batch: Batch, scale: Tensor) -> Tensor:
        """Scores [B, classes] of clips whose (ap, m, a) are scaled by `scale` [B, 3]: 1, or 0 for what is hidden."""
        ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def to(self, device: torch.device) -> Any: ...

    def train(self, mode: bool = True) -> Any: ...

    def eval(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


@runtime_checkable
class LooksAhead(Protocol):
    """A method that looks at a part of the training set before every epoch."""

    epoch_share: float
    """Share of the training clips, drawn anew every epoch."""

    def begin_epoch(self, batches: Iterable[Batch]) -> None:
        """Every rank must give the same clips."""
        ...
