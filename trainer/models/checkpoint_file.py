"""Reading checkpoint files of other projects without running code from them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from edge.errors import EgoactError

Net = TypeVar("Net", bound="Weighted")


class Weighted(Protocol):
    """What has weights: a network, or a method of training."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...


class CheckpointError(EgoactError):
    """A checkpoint is missing, unreadable, unsafe to load, or does not fit the network."""


def read_checkpoint(path: Path, *keys: str) -> dict[str, Any]:
    """Load a PyTorch file as plain tensors and containers (weights_only) and check that it holds `keys`.

    Raises:
        CheckpointError: the file is missing, is no checkpoint, would have to run code, or lacks one of the keys.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint file") from None
    except IsADirectoryError:
        raise CheckpointError(f"{path}: is a folder, expected a checkpoint file") from None
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: refused, it holds more than weights ({reason})") from error
    except Exception as error:  # bytes that are no pickle fail in arbitrary ways
        raise CheckpointError(f"{path}: not a PyTorch checkpoint, or incomplete; download it again") from error
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise CheckpointError(f"{path}: has no entry {missing[0]!r}; it is not the expected kind of checkpoint")
    return content


def load_strictly(net: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load a state dict in which every name and shape must match.

    Raises:
        CheckpointError: names the first weights that are missing, unknown or of another shape.
    """
    _require_fit(net, state, path)
    net.load_state_dict(state)


def built_strictly(make: Callable[[], Net], state: Mapping[str, Tensor], path: Path) -> Net:
    """The network of `make` with the weights of `state`, of which every name and shape must match.

    It is built without memory first: sizes that a file claims and its weights do not have are never allocated.

    Raises:
        CheckpointError: as `load_strictly`, or `make` refuses the sizes.
    """
    try:
        with torch.device("meta"):
            _require_fit(make(), state, path)
        net = make()
        net.load_state_dict(state)
    except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AssertionError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:160]
        raise CheckpointError(f"{path}: its sizes fit no network ({reason})") from None
    return net


def _require_fit(net: Weighted, state: Mapping[str, Tensor], path: Path) -> None:
    own = net.state_dict()
    strange = [name for name, value in state.items() if not isinstance(name, str) or not isinstance(value, Tensor)]
    if strange:
        raise CheckpointError(
            f"{path}: {str(strange[0])[:60]!r} is no weight; it is not the expected kind of checkpoint"
        )
    shapes = [name for name in own.keys() & state.keys() if own[name].shape != state[name].shape]
    for names, problem in (
        (own.keys() - state.keys(), "lacks"),
        (state.keys() - own.keys(), "has the unknown"),
        (shapes, "has another shape of"),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(f"{path}: {problem} weight {min(names)!r}{more}")
