from __future__ import annotations

import numpy as np
import pytest

from edge.contract import NS_PER_S
from edge.sources.frame_stamp import KernelStamps, SenderStamps

MS = 1_000_000
NOW = 1_000 * NS_PER_S


def test_the_kernels_time_is_believed() -> None:
    stamps = KernelStamps()
    assert stamps.time_ns(NOW - 3 * MS, NOW) == NOW - 3 * MS
    assert stamps.time_ns(NOW + 30 * MS, NOW + 30 * MS) == NOW + 30 * MS
    assert stamps.refused == 0
    assert str(stamps) == "kernel"


@pytest.mark.parametrize("kernel_ns", [None, 0, -5, NOW + 1, NOW + NS_PER_S, NOW - 6 * NS_PER_S, NOW - 33 * MS])
def test_what_cannot_be_true_gives_way_to_the_arrival(kernel_ns: int | None) -> None:
    stamps = KernelStamps()
    stamps.time_ns(NOW - 33 * MS, NOW - 32 * MS)  # the last of the cases repeats this one
    assert stamps.time_ns(kernel_ns, NOW) == NOW
    assert stamps.refused == 1
    assert str(stamps) == "kernel, arrival for 1 frames"


def test_a_camera_whose_every_stamp_is_wrong_is_said_to_be_stamped_on_arrival() -> None:
    stamps = KernelStamps()
    for n in range(5):
        stamps.time_ns(0, NOW + n)
    assert str(stamps) == "arrival"


def test_the_senders_times_lose_the_jitter_of_the_network() -> None:
    stamps, random = SenderStamps(trusted=True), np.random.default_rng(0)
    errors = []
    for n in range(600):
        sent_ns = n * NS_PER_S // 30
        arrival_ns = NOW + sent_ns + 5 * MS + int(random.exponential(20 * MS))
        stamps.observe(sent_ns, arrival_ns)
        errors.append(stamps.time_ns(sent_ns, arrival_ns) - NOW - sent_ns)
    assert max(errors[100:]) < 8 * MS
    assert min(errors) >= 5 * MS  # late by the shortest delay, which nobody can know
    assert str(stamps) == "sender"


def test_frames_that_are_held_back_are_placed_by_the_arrival_of_the_one_before() -> None:
    stamps = SenderStamps(trusted=True, held_back=True)
    for n in range(30):
        stamps.observe(n * 33 * MS, NOW + (n + 1) * 33 * MS)
    assert stamps.time_ns(29 * 33 * MS, NOW + 30 * 33 * MS) == NOW + 29 * 33 * MS


def test_a_sender_whose_clock_cannot_be_true_or_is_missing_is_stamped_on_arrival() -> None:
    stamps = SenderStamps(trusted=True)
    stamps.observe(100 * NS_PER_S, NOW)
    assert stamps.time_ns(100 * NS_PER_S, NOW) == NOW
    assert stamps.time_ns(90 * NS_PER_S, NOW) == NOW
    assert stamps.time_ns(None, NOW + MS) == NOW + MS
    assert stamps.refused == 2
    untrusted = SenderStamps(trusted=False)
    untrusted.observe(0, NOW)
    assert untrusted.time_ns(0, NOW + NS_PER_S) == NOW + NS_PER_S
    assert str(untrusted) == "arrival"
