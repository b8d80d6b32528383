from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge.bench.fast_clock import FastClock
from edge.bench.looped_source import LoopedSource, Recording
from edge.bench.pipeline_bench import at_rate, highest_rate
from edge.contract import AudioBlock, AudioEnd, Event, Frame
from edge.demo import DEMO
from edge.engines.load import load_engines
from edge.errors import SourceError
from edge.recognizer import Recognizer
from tests.edge.bench.virtual_clock import VirtualClock
from tests.tiny_bundle import SPEC, make_bundle

CLIP = min(DEMO.glob("*.mp4"))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording(CLIP, SPEC, 4.0)


def events(recording: Recording, ticks: int, clock: VirtualClock) -> list[tuple[int, Event]]:
    """What comes, and when on the clock."""
    source = LoopedSource(recording, clock)  # type: ignore[arg-type]
    source.open()
    found: list[tuple[int, Event]] = []
    while sum(isinstance(event, Frame) for _, event in found) < ticks:
        event = source.read(0.1)
        assert event is not None
        found.append((clock.now_ns - source.origin_ns, event))
    source.close()
    assert source.read(0.1) is None
    return found


def test_frames_and_sound_come_when_they_are_due_and_go_on_for_ever(recording: Recording) -> None:
    found = events(recording, 300, VirtualClock())
    frames = [(t, e) for t, e in found if isinstance(e, Frame)]
    assert [e.tick for _, e in frames] == list(range(300))
    assert all(t == e.t_ns == SPEC.tick_ns(e.tick) for t, e in frames)
    assert np.array_equal(frames[130][1].image, frames[130 % recording.ticks][1].image)
    blocks = [(t, e) for t, e in found if isinstance(e, AudioBlock)]
    at = 0
    assert recording.sound is not None
    for t, block in blocks:
        assert np.array_equal(block.samples, recording.sound.take(range(at, at + len(block.samples)), mode="wrap"))
        assert block.start_sample == at, "no gap, no overlap"
        at += len(block.samples)
        assert t >= at * 10**9 // SPEC.audio_rate_hz - 10**5, "no sound before it was heard"
    assert at == SPEC.audio_rate_hz * 299 // 30


def test_the_loop_is_a_whole_number_of_samples() -> None:
    """121 frames are cut to 120: a third of 1600 samples is not whole."""
    recording = Recording(CLIP, SPEC, 121 / 30 + 1e-6)
    assert recording.ticks == 120
    assert recording.sound is not None
    assert len(recording.sound) * SPEC.frame_rate_hz == recording.ticks * SPEC.audio_rate_hz


def test_a_clip_without_sound_says_so(recording: Recording) -> None:
    silent = Recording(CLIP, SPEC, 2.0)
    silent.sound = None
    found = events(silent, 40, VirtualClock())
    assert isinstance(found[0][1], AudioEnd)
    assert not any(isinstance(event, AudioBlock) for _, event in found)


def test_less_than_a_row_is_refused() -> None:
    with pytest.raises(SourceError, match="shorter than one row"):
        Recording(CLIP, SPEC, 0.5)


def test_a_fast_clock_is_so_many_times_as_fast() -> None:
    slow = VirtualClock()
    fast = FastClock(20.0, slow)  # type: ignore[arg-type]
    begun_ns = fast.monotonic_ns()
    slow.pass_ms(100)
    assert fast.monotonic_ns() - begun_ns == 2_000_000_000
    assert fast.wait_until_ns(fast.monotonic_ns() - 1, threading.Event())
    begun_s = time.monotonic()
    assert FastClock(200.0).wait_until_ns(time.monotonic_ns() + 100 * 10**9, threading.Event())
    assert 0.4 < time.monotonic() - begun_s < 30, "half a second, in which 100 s pass"
    stopped = threading.Event()
    stopped.set()
    assert not fast.wait_until_ns(fast.monotonic_ns() + 10**9, stopped)


def test_a_rate_is_asked_for_and_the_frames_add_up(recording: Recording, tmp_path: Path) -> None:
    """Real time and threads; only what holds on any machine is asserted."""
    bundle = make_bundle(tmp_path / "tiny")
    recognizer = Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)
    run = at_rate(recognizer, recording, 4.0, 1.5)
    assert run.rows_hz == pytest.approx(4 / SPEC.hop_s)
    assert run.hop_ms == pytest.approx(1e3 * SPEC.hop_s / 4)
    assert run.captured_frames == run.used_frames + run.dropped_frames
    assert run.rows + run.skipped_rows == pytest.approx(1.5 * run.rows_hz, abs=6)
    assert run.ages.explained > 0.5


def test_the_search_goes_down_to_a_rate_that_holds(monkeypatch: pytest.MonkeyPatch, recording: Recording) -> None:
    from tests.edge.bench.made import rate_run

    tried: list[float] = []

    def fake(recognizer: object, recording: object, speed: float, seconds: float) -> object:
        tried.append(speed / SPEC.hop_s)
        return rate_run(skipped_rows=0 if tried[-1] <= 16.0 else 100)

    monkeypatch.setattr("edge.bench.pipeline_bench.at_rate", fake)
    down = highest_rate(None, recording, 50.0, 1.0, lambda line: None)  # type: ignore[arg-type]
    assert down is not None
    assert tried == pytest.approx([20.0, 20 / 1.15, 20 / 1.15**2])
    tried.clear()
    up = highest_rate(None, recording, 100.0, 1.0, lambda line: None)  # type: ignore[arg-type]
    assert up is not None
    assert tried[-2] <= 16 < tried[-1], "and up to the last one that does"
    monkeypatch.setattr("edge.bench.pipeline_bench.at_rate", lambda *a: rate_run(skipped_rows=100))
    assert highest_rate(None, recording, 300.0, 1.0, lambda line: None) is None  # type: ignore[arg-type]
