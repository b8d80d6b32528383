"""The ring between the sound card's callback and the reader."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.sources.native_ring import STAMPS, NativeRing


def numbered(first: int, count: int) -> np.ndarray:
    """Two channels whose samples carry their own index."""
    index = np.arange(first, first + count, dtype=np.float32)
    return np.stack([index, -index], axis=1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 97), st.booleans()), max_size=60))
def test_everything_comes_out_in_order(steps: list[tuple[int, bool]]) -> None:
    """Whatever the lengths, also across the ring's end, as long as the reader keeps within half a ring."""
    ring, written, read = NativeRing(701, 2), 0, 0
    for count, take in [*steps, (1, True)]:
        take |= written + count - read > 250
        ring.write(numbered(written, count))
        written += count
        for block in ring.take() if take else []:
            assert block.start == read
            np.testing.assert_array_equal(block.samples, numbered(read, len(block.samples)))
            read += len(block.samples)
    assert read == written == ring.total_samples


def test_a_slow_reader_loses_the_oldest_and_sees_where_it_goes_on() -> None:
    ring = NativeRing(1_000, 2)
    ring.write(numbered(0, 100))
    assert [block.start for block in ring.take()] == [0]
    for first in range(100, 5_000, 100):
        ring.write(numbered(first, 100))
    blocks = ring.take()
    assert [block.start for block in blocks] == [4_500, 4_600, 4_700, 4_800, 4_900]
    for block in blocks:
        np.testing.assert_array_equal(block.samples, numbered(block.start, 100))
    ring.write(numbered(5_000, 100))
    assert [block.start for block in ring.take()] == [5_000]


def test_more_blocks_than_stamps() -> None:
    ring = NativeRing(100_000, 1)
    for first in range(STAMPS * 2):
        ring.write(np.full((1, 1), first, np.float32))
    blocks = ring.take()
    assert blocks[-1].start == STAMPS * 2 - 1
    assert all(block.samples[0, 0] == block.start for block in blocks)
    assert [b.start for b in blocks] == list(range(blocks[0].start, STAMPS * 2))


def test_arrivals_are_monotonic_times_of_the_callbacks() -> None:
    ring = NativeRing(1_000, 1)
    before_ns = time.monotonic_ns()
    ring.write(np.zeros((10, 1), np.float32))
    ring.write(np.zeros((10, 1), np.float32))
    first, second = ring.take()
    assert before_ns <= first.arrival_ns <= second.arrival_ns <= time.monotonic_ns()
