"""When events are released: absolute targets, timeouts, and close from another thread. Time is a fake."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.clock import Clock
from edge.contract import AudioBlock, Frame
from edge.sources.replay import ReplaySource
from tests.edge.sources.playing import SPEC, due_ns
from tests.media import make_clip

START_NS = 7_000_000_000


class FakeClock(Clock):
    """Waiting moves the time; every waited-for time is kept."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.waited_for: list[int] = []

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        self.waited_for.append(t_ns)
        self.now_ns = max(self.now_ns, t_ns)
        return not stop.is_set()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", audio="tone")


def test_every_event_is_released_at_origin_plus_its_time(clip: Path) -> None:
    clock = FakeClock()
    source = ReplaySource(clip, SPEC, "realtime", clock)
    source.open()
    assert source.origin_ns == START_NS
    seen = 0
    before_ns = clock.now_ns
    while (event := source.read(10.0)) is not None:
        if isinstance(event, Frame | AudioBlock):
            assert clock.now_ns == max(before_ns, START_NS + due_ns(event))
            seen += 1
        clock.now_ns += 300_000  # the reader's own work may not add up to a drift
        before_ns = clock.now_ns
    source.close()
    assert seen in (30 + 50, 30 + 51)  # FFmpeg 8.1 and older keep the padding of the last AAC frame


def test_late_events_come_at_once_and_the_pace_is_caught_up(clip: Path) -> None:
    clock = FakeClock()
    source = ReplaySource(clip, SPEC, "realtime", clock)
    source.open()
    source.read(10.0)
    clock.now_ns += 500_000_000
    stalled_ns = clock.now_ns
    late = on_time = 0
    while (event := source.read(10.0)) is not None:
        if not isinstance(event, Frame | AudioBlock):
            continue
        due = START_NS + due_ns(event)
        assert clock.now_ns == max(stalled_ns, due)
        late += due < stalled_ns
        on_time += due >= stalled_ns
    source.close()
    assert late > 30
    assert on_time > 30


def test_timeout_returns_none_and_loses_nothing(clip: Path) -> None:
    clock = FakeClock()
    source = ReplaySource(clip, SPEC, "realtime", clock)
    source.open()
    ticks, timeouts = [], 0
    while len(ticks) < 30:
        before_ns = clock.now_ns
        event = source.read(0.004)
        assert clock.now_ns - before_ns <= 4_000_000
        timeouts += event is None
        if isinstance(event, Frame):
            ticks.append(event.tick)
    source.close()
    assert ticks == list(range(30))
    assert timeouts > 100


def test_fast_pace_never_waits(clip: Path) -> None:
    clock = FakeClock()
    source = ReplaySource(clip, SPEC, "fast", clock)
    source.open()
    while source.read(0.0) is not None:
        pass
    source.close()
    assert clock.waited_for == []


@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_both_paces_give_the_same_events(clip: Path, pace: str) -> None:
    def events(pace: str) -> list[tuple]:
        source = ReplaySource(clip, SPEC, pace, FakeClock())  # type: ignore[arg-type]
        source.open()
        found = []
        while (event := source.read(10.0)) is not None:
            found.append((type(event).__name__, event[0]))
        source.close()
        return found

    assert events(pace) == events("fast")


def test_close_interrupts_a_waiting_read(clip: Path) -> None:
    source = ReplaySource(clip, SPEC, "realtime")
    source.open()
    source.origin_ns += 3600 * 1_000_000_000  # nothing is due for an hour
    results = []
    reader = threading.Thread(target=lambda: results.append(source.read(7200.0)), daemon=True)
    reader.start()
    source.close()
    reader.join(20)
    assert results == [None]


def test_close_while_another_thread_reads_is_safe(clip: Path) -> None:
    for events_before_close in (0, 1, 5, 40):
        source = ReplaySource(clip, SPEC)
        source.open()
        started = threading.Event()

        def read_all(
            source: ReplaySource = source, started: threading.Event = started, n: int = events_before_close
        ) -> None:
            count = 0
            while source.read(0.0) is not None:
                count += 1
                if count >= n:
                    started.set()

        reader = threading.Thread(target=read_all, daemon=True)
        reader.start()
        started.wait(20)
        source.close()
        reader.join(20)
        assert not reader.is_alive()
        assert source.read(0.0) is None
        source.close()
        assert isinstance(source.notes, tuple)


def test_names(clip: Path) -> None:
    source = ReplaySource(str(clip), SPEC)
    assert source.clip == "clip.mp4"
    assert source.title == "clip.mp4"
    assert source.notes == ()
    source.close()
