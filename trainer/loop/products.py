"""Products of float32 matrices as fast as the processor can without losing float32's accuracy.

Where PyTorch's default library does not use a processor's widest vectors (MKL on AMD), oneDNN does, and is twice as
fast. PyTorch only turns to it when bfloat16 products are allowed; so they are, where oneDNN is seen not to use them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch

EXACT = 1e-5
"""Error of a float32 product relative to its largest value; bfloat16's is above 1e-3."""


@contextmanager
def fast_products(device: torch.device) -> Iterator[None]:
    """Inside, products on the processor take the faster library when it is exact; those of a GPU stay as they are."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cpu" and _onednn_is_exact():
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@lru_cache(maxsize=1)
def _onednn_is_exact() -> bool:
    generator = torch.Generator().manual_seed(0)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        for rows, inner, columns in ((128, 1536, 192), (128, 128, 128), (1536, 128, 192), (7, 33, 5)):
            a = torch.randn(rows, inner, generator=generator)
            b = torch.randn(inner, columns, generator=generator)
            exact = a.double() @ b.double()
            if float((a @ b - exact).abs().max() / exact.abs().max()) > EXACT:
                return False
    finally:
        torch.set_float32_matmul_precision(before)
    return True
