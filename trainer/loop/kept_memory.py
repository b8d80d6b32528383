"""Memory that one training step frees serves the next one.

glibc gives blocks of some megabytes back to the kernel as soon as they are free, and takes them anew, page by page and
zeroed, for the next step's gradients and activations. With ARGO1M's widths that is a third of a step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # numbers of mallopt(3)
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
_GIVE_BACK = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26}
"""What glibc starts with, and where its thresholds end when it adjusts them itself."""


@contextmanager
def kept_memory(device: torch.device) -> Iterator[None]:
    """Inside, freed memory stays with the process; it goes back at the end. Nothing on a GPU or without glibc.

    The process then keeps the most that a step needed: for batches of one size that is what every step needs.
    """
    if device.type != "cpu" or not _set(_KEEP):
        yield
        return
    try:
        yield
    finally:
        _set(_GIVE_BACK)
        ctypes.CDLL(None).malloc_trim(0)


def _set(options: Mapping[int, int]) -> bool:
    """Whether the C library took them all."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(number, value) == 1 for number, value in options.items())
