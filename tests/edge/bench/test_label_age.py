"""Where the label age goes: a known delay in any stage is found there, and in the label age, on a virtual clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

import edge.pipeline
from edge.bench.delayed_engine import delayed
from edge.bench.label_age import LabelAges, label_ages
from edge.bench.prediction_log import PredictionLog
from edge.bundle import Bundle
from edge.contract import NS_PER_S, RunResult
from edge.engines.load import Engines, load_engines
from edge.errors import EgoactError
from edge.live.schedule import LiveSchedule
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.rings import Rings
from edge.schedule import ReplaySchedule
from edge.telemetry import STAGES
from tests.edge.bench.virtual_clock import OnTime, VirtualClock
from tests.edge.fake_source import FakeSource, stream
from tests.tiny_bundle import SPEC, make_bundle

RED = (255, 0, 0)
TICKS = 320
OWN_MS = {"window": 1.0, "video": 40.0, "fbank": 2.0, "audio": 9.0, "head": 0.5, "decide": 0.25}
"""What every stage takes on the virtual clock before anything is made slower."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def engines(bundle: Bundle) -> Engines:
    return load_engines(bundle, threads=1)


def slowed(call: Callable, clock: VirtualClock, ms: float) -> Callable:
    def slow(*arguments: object) -> object:
        clock.pass_ms(ms)
        return call(*arguments)

    return slow


def run(
    bundle: Bundle, engines: Engines, stage: str = "", more_ms: float = 0.0, *, sound: float | None = 0.5
) -> LabelAges:
    clock = VirtualClock()
    took = {name: ms + (more_ms if name == stage else 0.0) for name, ms in OWN_MS.items()}
    slow = delayed(engines, {})
    for name in ("video", "fbank", "audio", "head"):
        engine = delayed(engines, {name: took[name]})
        getattr(engine, name)._sleep = clock.sleep
        slow = replace(slow, **{name: getattr(engine, name)})
    source, rings = FakeSource(stream(SPEC, [RED] * TICKS, sound=sound)), Rings(SPEC)
    source.open()
    source.origin_ns = clock.now_ns
    source.open = lambda: None  # type: ignore[method-assign]
    schedule = OnTime(
        ReplaySchedule(rings, SPEC),
        clock,
        source.origin_ns + round(1e6 * (3 + (more_ms if stage == "wait" else 0))),
        SPEC,
    )
    log = PredictionLog(1e6)
    pipeline = Pipeline(
        source,
        Recognizer(bundle, slow, temperature=1.0),
        pace="realtime",
        sinks=(log,),
        clock=clock,
        rings=rings,
        schedule=schedule,  # type: ignore[arg-type]
    )
    pipeline._see = slowed(pipeline._see, clock, took["window"])  # type: ignore[method-assign]
    pipeline._decider.push = slowed(pipeline._decider.push, clock, took["decide"])  # type: ignore[method-assign]
    pipeline.run()
    return label_ages(log.predictions)


@pytest.mark.parametrize("stage", STAGES)
def test_a_delay_of_80_ms_shows_up_in_its_stage_and_in_the_label_age(
    bundle: Bundle, engines: Engines, stage: str
) -> None:
    before, after = run(bundle, engines), run(bundle, engines, stage, 80.0)
    assert after.age.median - before.age.median == pytest.approx(80.0, abs=5.0)
    for name in STAGES:
        moved = after.stages[name].median - before.stages[name].median
        assert moved == pytest.approx(80.0 if name == stage else 0.0, abs=5.0), name


@pytest.mark.parametrize("sound", [0.5, None])
def test_the_stages_add_up_to_the_label_age(bundle: Bundle, engines: Engines, sound: float | None) -> None:
    """Also without sound, when the newest thing that a label used is its last frame, a tick before the row's end."""
    ages = run(bundle, engines, sound=sound)
    assert ages.explained == pytest.approx(1.0, abs=1e-3)
    assert ages.explained_min == pytest.approx(1.0, abs=1e-3)
    wait = 3.0 if sound else 3.0 + 1e3 / 30
    assert ages.stages["wait"].median == pytest.approx(wait, abs=0.1)


def test_time_outside_of_the_stages_is_seen_as_unexplained(
    bundle: Bundle, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the share would be 100 % whatever happens."""
    clock = VirtualClock()
    monkeypatch.setattr("tests.edge.bench.test_label_age.VirtualClock", lambda: clock)
    release = edge.pipeline.Pipeline._release
    monkeypatch.setattr(edge.pipeline.Pipeline, "_release", lambda *a: (clock.pass_ms(50.0), release(*a))[1])
    ages = run(bundle, engines)
    assert ages.explained == pytest.approx(1 - 50 / ages.age.mean, abs=0.01)


def overloaded(bundle: Bundle, engines: Engines, row_ms: float, seconds: float) -> tuple[RunResult, PredictionLog]:
    """Rows that take `row_ms` each, under the schedule of a live run."""
    clock = VirtualClock()
    slow = delayed(engines, {"video": row_ms})
    slow.video._sleep = clock.sleep  # type: ignore[attr-defined]
    # The writer runs ahead by the ring's eight seconds, and a stream that has ended would be waited for in real time.
    ticks = int((seconds + 12) * SPEC.frame_rate_hz)
    source, rings, log = FakeSource(stream(SPEC, [RED] * ticks, sound=0.5)), Rings(SPEC), PredictionLog(seconds)
    source.open()
    source.origin_ns = clock.now_ns
    source.open = lambda: None  # type: ignore[method-assign]
    # Frames that came before the first row was chosen would move it to the end of the ring, where the writer waits.
    waited_for, read = threading.Event(), source.read
    source.read = lambda timeout_s: read(timeout_s) if waited_for.wait(timeout_s) else None  # type: ignore[method-assign]

    def grace_ns() -> int:
        waited_for.set()
        return 100 * NS_PER_S

    live = LiveSchedule(rings, SPEC, lambda: clock.now_ns - source.origin_ns, grace_ns)
    schedule = OnTime(live, clock, source.origin_ns, SPEC)
    pipeline = Pipeline(
        source,
        Recognizer(bundle, slow, temperature=1.0),
        pace="live",
        sinks=(log,),
        clock=clock,
        rings=rings,
        schedule=schedule,  # type: ignore[arg-type]
    )
    log.stop = pipeline.stop
    return pipeline.run(), log


@pytest.mark.parametrize("load", [1.3, 2.0, 2.1, 2.9])
def test_overload_skips_rows_and_bounds_the_age(bundle: Bundle, engines: Engines, load: float) -> None:
    """A row waits for less than one hop, however long it goes on: the age is the row's own time and that."""
    hop_ms = 1e3 * SPEC.hop_s
    result, log = overloaded(bundle, engines, load * hop_ms, 60.0)
    waits = [p.stage_ms["wait"] for p in log.predictions]
    ages = [p.label_age_ms for p in log.predictions]
    # A tick more: the grid of ticks is not finer.
    assert max(waits) < hop_ms + 34
    assert max(ages) < (load + 1) * hop_ms + 34
    assert max(ages[len(ages) // 2 :]) < max(ages[: len(ages) // 2]) + 34, "it does not grow"
    t = result.telemetry
    assert t.captured_frames == t.used_frames + t.dropped_frames
    made = len(log.predictions)
    assert t.skipped_rows == pytest.approx(made * (load - 1), abs=2)


def test_three_hops_a_row_drop_frames_and_count_them(bundle: Bundle, engines: Engines) -> None:
    """A row has 32 frames; every 48 ticks one is made, so that a third of the frames is seen by nobody."""
    result, log = overloaded(bundle, engines, 3 * 1e3 * SPEC.hop_s, 60.0)
    seen = log.predictions
    assert result.telemetry.used_frames == 32 * len(seen)
    assert result.telemetry.dropped_frames >= 16 * (len(seen) - 1)


def test_no_label_is_told(bundle: Bundle) -> None:
    with pytest.raises(EgoactError, match="no label"):
        label_ages([])
