"""The watchdog's rules, with the time in our hands."""

from __future__ import annotations

from edge.live.messages import SensorReport
from edge.live.watch import BACKOFF_S, KILL_S, NEWS_A_MINUTE, OPENING_LIMIT_S, SILENCE_S, STARVED_KILL_S, SensorWatch
from edge.sensor_status import SensorState
from edge.sources.sensor import SensorFacts


def ns(seconds: float) -> int:
    return round(seconds * 1e9)


def report(
    state: SensorState = "running", reason: str = "", *, opening: bool = False, opens: int = 1, **counts: int
) -> SensorReport:
    facts = SensorFacts("cam", "MJPG", "kernel", **counts) if opens else None  # type: ignore[arg-type]
    return SensorReport(state, reason, opening, opens, facts, None)


def running(at_s: float = 0.0) -> SensorWatch:
    watch = SensorWatch("video", "/dev/video0")
    watch.started(ns(at_s))
    watch.heard(report(), ns(at_s))
    watch.news()
    return watch


def test_a_process_that_is_silent_is_stalled_within_a_second_and_killed_a_little_later() -> None:
    watch = running()
    assert watch.verdict(ns(SILENCE_S), ready_to_run=False) == "fine"
    assert SILENCE_S < 1.0
    assert watch.verdict(ns(SILENCE_S + 0.01), ready_to_run=False) == "stalled"
    assert watch.status.state == "stalled"
    assert watch.verdict(ns(KILL_S + 0.01), ready_to_run=False) == "kill"


def test_a_process_that_gets_no_processor_is_given_more_time_but_not_for_ever() -> None:
    """On a busy machine another process would get no processor either, and starting it costs more of it."""
    watch = running()
    assert watch.verdict(ns(KILL_S + 0.1), ready_to_run=True) == "stalled"
    assert watch.verdict(ns(STARVED_KILL_S + 0.1), ready_to_run=True) == "kill"


def test_a_process_that_speaks_again_is_not_killed() -> None:
    watch = running()
    watch.verdict(ns(1.0), ready_to_run=False)
    watch.heard(report(), ns(1.1))
    assert watch.status.state == "running"
    assert watch.verdict(ns(1.2), ready_to_run=False) == "fine"
    assert [line.split(":")[0] for line in watch.news()] == ["camera stalled", "camera runs again"]


def test_opening_a_device_may_take_its_time_but_not_for_ever() -> None:
    watch = SensorWatch("video", "/dev/video0")
    watch.started(0)
    assert watch.verdict(ns(10), ready_to_run=False) == "fine"
    watch.heard(report("starting", opening=True, opens=0), ns(10))
    assert watch.verdict(ns(10 + OPENING_LIMIT_S), ready_to_run=False) == "fine"
    assert watch.verdict(ns(10.1 + OPENING_LIMIT_S), ready_to_run=False) == "kill"


def test_a_crash_loop_waits_longer_each_time_and_a_steady_run_forgets_it() -> None:
    watch, at_s, waits = SensorWatch("audio", "mic"), 0.0, []
    for _ in range(len(BACKOFF_S) + 2):
        watch.started(ns(at_s))
        watch.died("boom", ns(at_s + 1))
        wait_s = next(step / 10 for step in range(1000) if watch.may_start(ns(at_s + 1 + step / 10)))
        waits.append(wait_s)
        at_s += 1 + wait_s
    assert waits == [*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]]
    watch.started(ns(at_s))
    watch.died("boom", ns(at_s + 60))
    assert watch.may_start(ns(at_s + 60))


def test_a_lost_device_is_lost_until_it_runs_and_is_told_once() -> None:
    watch = running()
    for step in range(20):
        watch.heard(report("lost", "unplugged"), ns(1 + step / 4))
        watch.heard(report("lost", "unplugged", opening=True), ns(1.1 + step / 4))
    watch.died("hung", ns(7))
    watch.started(ns(7))
    watch.heard(report("starting", opening=True, opens=0), ns(7.1))
    assert watch.status.state == "lost"
    watch.heard(report(), ns(8))
    assert [line.split(":")[0] for line in watch.news()] == ["camera lost", "camera runs again"]


def test_a_loose_plug_does_not_fill_the_log() -> None:
    watch, told = running(), []
    for step in range(100):
        watch.heard(report("lost", "unplugged"), ns(1 + step / 10))
        watch.heard(report(opens=2 + step), ns(1.05 + step / 10))
        told += watch.news()
    assert len(told) == NEWS_A_MINUTE
    assert told[-1].startswith("camera comes and goes")
    watch.heard(report("lost", "unplugged"), ns(120))
    assert watch.news() == ["camera lost: unplugged"]


def test_counters_go_on_through_reopening_and_restarts() -> None:
    watch = running()
    watch.heard(report(delivered=100, lost=3, corrupt=1), ns(1))
    watch.heard(report(opens=2, delivered=10), ns(2))
    watch.heard(report(opens=2, delivered=20, lost=1), ns(3))
    assert (watch.status.delivered, watch.status.lost, watch.status.corrupt, watch.status.restarts) == (120, 4, 1, 1)
    watch.died("hung", ns(4))
    watch.started(ns(4))
    watch.heard(report("starting", opening=True, opens=0), ns(4.5))
    watch.heard(report(opens=1, delivered=5), ns(5))
    assert (watch.status.delivered, watch.status.lost, watch.status.restarts) == (125, 4, 2)
