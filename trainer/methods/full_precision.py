"""Similarities, attention and distances stay in float32 under autocast."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` without autocast, with its half-precision tensor arguments as float32; float64 stays as it is."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        raised = [_raised(value) for value in args]
        named = {name: _raised(value) for name, value in kwargs.items()}
        device = next(value.device.type for value in [*raised, *named.values()] if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            return function(*raised, **named)  # type: ignore[arg-type]

    return run


def _raised(value: object) -> object:
    half = isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if half else value  # type: ignore[attr-defined]
