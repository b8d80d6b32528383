from __future__ import annotations

import ctypes
import resource
from contextlib import nullcontext

import pytest
import torch

from trainer.loop.kept_memory import kept_memory

CPU = torch.device("cpu")
BLOCK_MIB, PAGE_BYTES = 100, resource.getpagesize()
pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")


def faults_of_a_second_block() -> int:
    """Page faults of allocating and filling a block of the size of one that was just freed."""

    def fill() -> None:
        torch.zeros(BLOCK_MIB * 2**18).add_(1)

    fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.slow  # alone in its process: what other tests left in the heap decides where a block comes from
def test_a_freed_block_is_used_again_inside_and_given_back_outside() -> None:
    pages = BLOCK_MIB * 2**20 // PAGE_BYTES
    with kept_memory(CPU):
        kept = faults_of_a_second_block()
    with nullcontext():
        plain = faults_of_a_second_block()
    assert kept < pages / 10
    assert plain > pages / 2


def resident_mib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE_BYTES // 2**20


def test_memory_goes_back_at_the_end_and_does_not_grow_with_the_steps() -> None:
    before = resident_mib()
    with kept_memory(CPU):
        sizes = []
        for step in range(40):
            parts = [torch.ones(size * 2**18) for size in (30, 3, 3, 12)]  # MiB
            parts.append(sum(part[: 2**18] for part in parts))  # type: ignore[arg-type]
            del parts
            if step >= 10:
                sizes.append(resident_mib())
        assert max(sizes) - min(sizes) < 10
        assert max(sizes) - before < 3 * 48
    assert resident_mib() - before < 20


def test_nothing_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", None)
    with kept_memory(torch.device("cuda")):
        pass
