"""Engines with known times on a virtual clock, and TensorRT's parts on a fake card."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge.bench.candidate import Candidate, LoadedEngine, load_candidate
from edge.bench.engine_bench import EngineBench, bench_engines
from edge.bench.engine_tables import part_table
from edge.engines.base import EngineSpec, Tensors
from edge.power import PowerReader
from tests.edge.bench.virtual_clock import VirtualClock
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import build_all, fake_gpu
from tests.tiny_bundle import make_bundle


class KnownEngine:
    """Takes the given milliseconds, one after the other, the last one for good; says when it ran."""

    def __init__(self, name: str, ms: Sequence[float], clock: VirtualClock, ran: list[str]) -> None:
        self.spec = EngineSpec(name, "openvino", "f32", (), ())
        self._ms, self._clock, self._ran = list(ms), clock, ran

    def infer(self, inputs: Tensors) -> Tensors:
        self._ran.append(self.spec.name)
        self._clock.pass_ms(self._ms.pop(0) if len(self._ms) > 1 else self._ms[0])
        return {}

    def close(self) -> None:
        pass


def bench(times: Mapping[str, Sequence[float]], ran: list[str], **options: object) -> dict[str, EngineBench]:
    clock = VirtualClock()
    engines = {
        Candidate(name, "cpu", "f32", 1): LoadedEngine(KnownEngine(name, ms, clock, ran), 1000, None)
        for name, ms in times.items()
    }
    arguments: dict = {"seconds": 1.0, "clock": clock, "power": PowerReader("/nowhere"), **options}
    return {b.engine: b for b in bench_engines(engines, {name: {} for name in times}, **arguments)}


def test_a_known_time_is_found(tmp_path: Path) -> None:
    found = bench({"video": [300.0, 50.0, 20.0], "head": [0.5]}, [], rounds=4)
    video = found["video"]
    assert (video.total.min, video.total.median, video.total.max) == (20.0, 20.0, 20.0), "warm-up does not count"
    assert video.compute == video.total
    assert video.throughput_hz == pytest.approx(50.0)
    assert video.round_medians_ms == (20.0,) * 4
    assert video.total.runs == 4 * 12, "a quarter of a second in each round"
    assert found["head"].total.median == pytest.approx(0.5)
    assert found["head"].warm_up_runs == 10
    assert video.warm_up_runs == 12


def test_engines_take_turns() -> None:
    ran: list[str] = []
    bench({"video": [100.0], "audio": [100.0]}, ran, rounds=3, seconds=0.6)
    turns = [ran[at] for at in range(len(ran)) if at == 0 or ran[at] != ran[at - 1]]
    # Warm-up of both, then three rounds.
    assert turns == ["video", "audio"] * 4


def test_the_first_run_of_a_turn_does_not_count() -> None:
    """The other engines have taken the caches meanwhile."""

    class Cached(KnownEngine):
        def infer(self, inputs: Tensors) -> Tensors:
            if self._ran[-1:] not in ([], [self.spec.name]):
                self._clock.pass_ms(70.0)
            return super().infer(inputs)

    clock, ran = VirtualClock(), list[str]()
    engines = {
        Candidate(name, "cpu", "f32", 1): LoadedEngine(Cached(name, [10.0], clock, ran), 1, None)
        for name in ("video", "audio")
    }
    found = bench_engines(
        engines, {"video": {}, "audio": {}}, seconds=1.0, rounds=3, clock=clock, power=PowerReader("/nowhere")
    )
    assert [b.total.max for b in found] == [10.0, 10.0]


def test_a_slow_engine_still_runs_twice_a_round() -> None:
    assert bench({"video": [5000.0]}, [], rounds=2, seconds=0.1)["video"].total.runs == 4


def test_an_engine_that_never_settles_is_told() -> None:
    times = [10.0 if n % 2 else 20.0 for n in range(500)]
    found = bench({"video": times}, [])["video"]
    assert not found.stable
    assert found.warm_up_runs == 50
    assert "not settled" in found.warnings[0]


def test_power_and_energy_of_a_board_that_measures_them(tmp_path: Path) -> None:
    """A Jetson's input rail at 5 V and 2 A; a call of 20 ms of real time takes 0.2 J."""
    rail = tmp_path / "sys/class/hwmon/hwmon3"
    rail.mkdir(parents=True)
    for name, text in {"name": "ina3221", "in1_label": "VDD_IN", "in1_input": "5000", "curr1_input": "2000"}.items():
        (rail / name).write_text(text)

    class Busy(KnownEngine):
        def infer(self, inputs: Tensors) -> Tensors:
            time.sleep(0.0005)  # real time must pass, so that the meter, which reads ten times a second, gets to it
            return super().infer(inputs)

    clock = VirtualClock()
    engine = LoadedEngine(Busy("video", [20.0], clock, []), 1, None)
    candidate = Candidate("video", "cpu", "f32", 1)
    (found,) = bench_engines(
        {candidate: engine}, {"video": {}}, seconds=20.0, rounds=2, clock=clock, power=PowerReader(tmp_path)
    )
    assert found.milliwatts == pytest.approx(10_000)
    assert found.mj_per_inference == pytest.approx(200.0)


def test_a_board_that_does_not_measure_power_has_none() -> None:
    found = bench({"video": [20.0]}, [])["video"]
    assert (found.milliwatts, found.mj_per_inference) == (None, None)


def test_the_parts_of_a_gpu_call(tmp_path: Path) -> None:
    bundle, machine = make_bundle(tmp_path / "tiny"), FakeMachine()
    gpu = fake_gpu(machine, tmp_path / "root")
    build_all(bundle, gpu)
    candidate = Candidate("head", "tensorrt", "f32", 0)
    loaded = load_candidate(bundle, candidate, lambda: gpu)
    inputs = {port.name: np.zeros(port.shape, port.dtype) for port in loaded.engine.spec.inputs}
    (found,) = bench_engines(
        {candidate: loaded}, {"head": inputs}, seconds=0.05, rounds=2, power=PowerReader("/nowhere")
    )
    loaded.engine.close()
    assert found.enqueue is not None
    assert found.h2d is not None
    assert found.d2h is not None
    assert found.enqueue.runs == found.total.runs
    assert loaded.build_s is not None
    assert loaded.size_bytes > 0
    assert [row[2] for row in part_table([found]).rows] == ["enqueue", "host to device", "compute", "device to host"]
