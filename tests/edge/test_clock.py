from __future__ import annotations

import threading

from edge.clock import Clock


def test_time_that_has_passed_is_reached_at_once() -> None:
    clock = Clock()
    assert clock.wait_until_ns(clock.monotonic_ns() - 1, threading.Event())


def test_waiting_never_returns_early() -> None:
    clock = Clock()
    target_ns = clock.monotonic_ns() + 5_000_000
    assert clock.wait_until_ns(target_ns, threading.Event())
    assert clock.monotonic_ns() >= target_ns


def test_stop_interrupts_waiting() -> None:
    clock, stop, reached = Clock(), threading.Event(), []
    far_ns = clock.monotonic_ns() + 3600 * 1_000_000_000
    waiter = threading.Thread(target=lambda: reached.append(clock.wait_until_ns(far_ns, stop)), daemon=True)
    waiter.start()
    stop.set()
    waiter.join(20)
    assert reached == [False]


def test_stop_wins_over_a_time_that_has_passed() -> None:
    stop = threading.Event()
    stop.set()
    assert not Clock().wait_until_ns(0, stop)
