"""What recordings take out of rings: everything once, and nothing that is about to be overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edge.contract import AudioBlock, Frame
from edge.recording.disk_budget import DiskBudget
from edge.recording.ring_tap import Reached, RingTap
from edge.recording.rolling import RollingRecorder
from tests.tiny_bundle import SPEC

RING_S = 4.0


class Rings:
    """Rings that hold the newest four seconds of a stream without frame 100 and samples 20000 to 20800."""

    def __init__(self) -> None:
        self.asked_ticks: list[int] = []
        self.heard: list[tuple[int, int]] = []

    def frame_at(self, tick: int) -> Frame | None:
        self.asked_ticks.append(tick)
        image = np.full((32, 32, 3), tick % 256, np.uint8)
        return None if tick == 100 else Frame(tick, SPEC.tick_ns(tick), image)

    def sound_between(self, start: int, end: int) -> Sequence[AudioBlock]:
        self.heard.append((start, end))
        runs = [(start, min(end, 20_000)), (max(start, 20_800), end)]
        return [AudioBlock(a, np.zeros(b - a, np.float32)) for a, b in runs if b > a]


def reached(tick: int, delay: int = 0) -> Reached:
    return Reached(tick, tick * 1600 // 3, delay)


def test_everything_is_recorded_once(tmp_path: Path) -> None:
    rings = Rings()
    tap = RingTap(SPEC, RING_S, rings.frame_at, rings.sound_between)
    recorder = RollingRecorder(tmp_path, SPEC, DiskBudget(tmp_path, 10**12, 0))
    for tick in range(50, 300, 7):
        tap.record(reached(tick), recorder)
    recorder.close(30)
    assert rings.asked_ticks == list(range(50, 295))
    assert recorder.state.frames == len(rings.asked_ticks) - 1
    ends = [end for _, end in rings.heard]
    assert [start for start, _ in rings.heard[1:]] == ends[:-1]


def test_after_a_long_sleep_it_goes_on_with_what_is_still_there(tmp_path: Path) -> None:
    rings = Rings()
    tap = RingTap(SPEC, RING_S, rings.frame_at, rings.sound_between)
    recorder = RollingRecorder(tmp_path, SPEC, DiskBudget(tmp_path, 10**12, 0))
    tap.record(reached(50), recorder)
    tap.record(reached(1000), recorder)
    recorder.close(30)
    assert rings.asked_ticks == list(range(1000 - 105, 1000))


@pytest.mark.parametrize("seconds", [1.0, 3.0, 100.0])
def test_the_newest_seconds(seconds: float) -> None:
    rings = Rings()
    tap = RingTap(SPEC, RING_S, rings.frame_at, rings.sound_between)
    frames, sound = tap.newest(reached(150, delay=480), seconds)
    count = min(round(seconds * 30), 105)
    assert [frame.tick for frame in frames] == [tick for tick in range(150 - count, 150) if tick != 100]
    samples = min(round(seconds * 16_000), 56_000)
    assert sound[0].start_sample == 80_000 - samples - 480, "the microphone's delay is taken out"
    assert sound[-1].start_sample + len(sound[-1].samples) == 80_000 - 480
