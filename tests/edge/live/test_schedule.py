"""The live schedule on a clock of its own: when rows come, and which ones are left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from edge.contract import NS_PER_S, AudioEnd, FramesStored, SensorAway, SoundStored, VideoEnd, WindowSpec
from edge.live.schedule import LiveSchedule
from edge.rings import Rings

SPEC = WindowSpec(frame_size_px=4)
GRACE_NS = 100_000_000


class Stage:
    """A schedule whose waits move the time, to the next thing that `script` has to say."""

    def __init__(self, script: dict[float, list[object]], start_s: float = 0.0) -> None:
        self.rings = Rings(SPEC)
        self.now_ns = round(start_s * NS_PER_S)
        self._script = sorted((round(at_s * NS_PER_S), events) for at_s, events in script.items())
        self.schedule = LiveSchedule(self.rings, SPEC, lambda: self.now_ns, lambda: GRACE_NS)
        self.rings.changed = Waiting(self.pass_time)
        self.pass_time(0.0)

    def pass_time(self, timeout_s: float) -> None:
        until_ns = self.now_ns + max(1, round(timeout_s * NS_PER_S)) if timeout_s else self.now_ns
        if self._script and self._script[0][0] <= until_ns:
            at_ns, events = self._script.pop(0)
            self.now_ns = max(self.now_ns, at_ns)
            for event in events:
                self.rings.store(event)  # type: ignore[arg-type]
        else:
            self.now_ns = until_ns

    def rows(self, count: int, busy_s: float = 0.0) -> list[tuple[int, float]]:
        """First tick and time of the next rows, when every row takes `busy_s` to compute."""
        found = []
        for start_tick in self.schedule.row_starts():
            found.append((start_tick, self.now_ns / NS_PER_S))
            until_ns = self.now_ns + round(busy_s * NS_PER_S)
            while self.now_ns < until_ns:
                self.pass_time((until_ns - self.now_ns) / NS_PER_S)
            if len(found) == count:
                break
        return found


class Waiting(threading.Condition):
    """A condition on which waiting is to let the time pass."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._pass_time(timeout)
        return True


def steady(seconds: int, *, video: bool = True, audio: bool = True, late_s: float = 0.01) -> dict[float, list[object]]:
    """A camera and a microphone that announce everything `late_s` after it happened."""
    script: dict[float, list[object]] = {}
    for tick in range(30 * seconds):
        at_s = (tick + 1) / 30 + late_s
        script[at_s] = []
        if video:
            script[at_s].append(FramesStored(tick + 1, tick + 1))
        if audio:
            script[at_s].append(SoundStored((tick + 1) * 16_000 // 30))
    return script


def test_a_row_comes_as_soon_as_all_of_it_is_there() -> None:
    rows = Stage(steady(5)).rows(4)
    assert [tick for tick, _ in rows] == [0, 16, 32, 48]
    assert [at_s for _, at_s in rows] == pytest.approx([(tick + 32) / 30 + 0.01 for tick, _ in rows])


def test_a_sensor_that_is_silent_holds_a_row_up_until_its_deadline_and_no_longer() -> None:
    rows = Stage(steady(5, audio=False)).rows(3)
    assert [at_s for _, at_s in rows] == pytest.approx([(tick + 32) / 30 + 0.1 for tick, _ in rows], abs=1e-6)


@pytest.mark.parametrize("gone", [SensorAway("audio"), AudioEnd("no microphone")])
def test_a_sensor_that_is_away_is_not_waited_for(gone: object) -> None:
    rows = Stage({0.0: [gone]} | steady(5, audio=False)).rows(3)
    assert [at_s for _, at_s in rows] == pytest.approx([(tick + 32) / 30 + 0.01 for tick, _ in rows])


def test_sound_alone_gives_rows() -> None:
    rows = Stage({0.0: [VideoEnd(0)]} | steady(5, video=False)).rows(3)
    assert [tick for tick, _ in rows] == [0, 16, 32]


def test_with_nothing_left_rows_still_come_at_their_time() -> None:
    rows = Stage({0.0: [SensorAway("video"), SensorAway("audio")]}).rows(3)
    assert [at_s for _, at_s in rows] == pytest.approx([(tick + 32) / 30 + 0.1 for tick, _ in rows], abs=1e-6)


def test_a_sensor_that_comes_back_is_waited_for_again() -> None:
    stage = Stage({0.0: [SensorAway("audio")]} | steady(2, audio=False))
    stage.rows(2)
    stage.rings.store(SoundStored(1))
    assert "audio" not in stage.rings.away
    assert not stage.rings.ready(16)


def test_slow_inference_leaves_rows_out_and_takes_the_newest() -> None:
    """1.3 s a row: while one is computed, the row due at its end waits, and those between are skipped."""
    stage = Stage(steady(20))
    rows = stage.rows(6, busy_s=1.3)
    assert {(after - before) // 16 - 1 for (before, _), (after, _) in pairwise(rows)} == {1, 2}
    for tick, at_s in rows:
        assert at_s - (tick + 32) / 30 < 16 / 30 + 0.02, "older than the newest row that was complete"
    total = (rows[-1][0] - rows[0][0]) // 16
    assert stage.schedule.skipped_rows == total - (len(rows) - 1)


def test_a_stretched_hop_skips_nothing() -> None:
    stage = Stage(steady(20))
    stage.schedule.hop_factor = 4
    assert [tick for tick, _ in stage.rows(4, busy_s=1.3)] == [0, 64, 128, 192]
    assert stage.schedule.skipped_rows == 0


def test_rows_start_with_the_next_frame_of_a_camera_that_runs_and_else_now_on_the_grid_of_hops() -> None:
    assert Stage({0.0: [FramesStored(100, 100)]} | steady(9), start_s=3.4).rows(1)[0][0] == 96
    assert Stage({0.0: [FramesStored(10, 10)]}, start_s=3.4).rows(1)[0][0] == 96


def test_stop_ends_the_rows() -> None:
    stage = Stage(steady(5))
    rows = stage.schedule.row_starts()
    next(rows)
    stage.schedule.stop()
    with suppress(StopIteration):
        raise AssertionError(f"row {next(rows)} came after stop")
