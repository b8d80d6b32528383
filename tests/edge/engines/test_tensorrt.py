"""The TensorRT engine, on fakes here and on a card with `-m gpu`: answers, memory, streams, errors, life time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle
from edge.engines.gpu import Gpu
from edge.engines.plan import CheckedPlan, check_plan, plan_file
from edge.engines.tensorrt import TensorRtEngine
from edge.errors import EngineError, PlanError, WrongThreadError
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import build_all, fake_gpu, the_card
from tests.tiny_bundle import make_bundle


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny")


@pytest.fixture(params=["fake", pytest.param("card", marks=pytest.mark.gpu)])
def gpu(request: pytest.FixtureRequest, machine: FakeMachine, tmp_path: Path) -> Gpu:
    return fake_gpu(machine, tmp_path) if request.param == "fake" else the_card()


@pytest.fixture
def fake(machine: FakeMachine, tmp_path: Path) -> Gpu:
    return fake_gpu(machine, tmp_path)


def checked(bundle: Bundle, gpu: Gpu, name: str = "head") -> CheckedPlan:
    sha256 = bundle.sha256[f"{name}.onnx"]
    command = f"egoact build {bundle.path} --precision f32"
    file = plan_file(bundle.path, name, "f32", onnx_sha256=sha256, platform=gpu.platform, rebuild=command)
    if not file.path.exists():
        build_all(bundle, gpu)
    return check_plan(file)


def load(bundle: Bundle, gpu: Gpu, name: str = "head") -> TensorRtEngine:
    return TensorRtEngine(checked(bundle, gpu, name), gpu.trt, gpu.open_cuda())


@pytest.fixture
def head(bundle: Bundle, gpu: Gpu, machine: FakeMachine) -> Iterator[TensorRtEngine]:
    engine = load(bundle, gpu)
    yield engine
    engine.close()
    assert machine.left() == {}


def tensors(red: float = 0.5) -> dict[str, np.ndarray]:
    appearance = np.full((1, 9), 0.5, np.float32)
    appearance[0, ::3] = red
    return {
        "appearance": appearance,
        "motion": np.zeros((1, 6), np.float32),
        "audio": np.array([[0.1, 1.0]], np.float32),
        "mask": np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]], np.float32),
    }


def test_answers_are_those_on_paper_call_after_call(head: TensorRtEngine) -> None:
    for red in (0.5, 0.0, 1.0):
        logits = head.infer(tensors(red))["logits"]
        expected = [[8, 20 * red, 10, 10, 6], [8, 20 * red, 10, 10, 0], [8, 0, 0, 0, 6]]
        assert logits == pytest.approx(np.array(expected), abs=2e-3)


def test_frames_cross_as_bytes(bundle: Bundle, gpu: Gpu) -> None:
    engine = load(bundle, gpu, "video")
    frames = np.zeros((1, 32, 32, 32, 3), np.uint8)
    frames[..., 1] = 255
    frames[:, -1] = 255
    out = engine.infer({"frames": frames})
    assert out["appearance"] == pytest.approx(np.array([[1 / 32, 1, 1 / 32]]), abs=1e-4)
    assert out["motion"] == pytest.approx(np.array([[1 / 3, 1]]), abs=1e-4)
    engine.close()


def test_spec_names_what_it_is(head: TensorRtEngine) -> None:
    assert (head.spec.name, head.spec.backend, head.spec.precision) == ("head", "tensorrt", "f32")
    assert {port.name: port.shape for port in head.spec.inputs}["appearance"] == (1, 9)
    assert [(port.name, port.dtype) for port in head.spec.outputs] == [("logits", np.float32)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audio": np.zeros((1, 3), np.float32)}, "input audio is float32[1, 3], expected float32[1, 2]"),
        ({"audio": np.zeros((1, 2), np.float64)}, "input audio is float64[1, 2], expected float32[1, 2]"),
        ({"extra": np.zeros(1, np.float32)}, "extra"),
    ],
)
def test_wrong_tensors_are_named_and_the_engine_goes_on(
    head: TensorRtEngine, change: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(EngineError) as caught:
        head.infer({**tensors(), **change})
    assert words in str(caught.value)
    assert head.infer(tensors())["logits"][0, 1] == pytest.approx(10, abs=2e-3)


def test_another_thread_is_refused_by_name(head: TensorRtEngine) -> None:
    caught: list[Exception] = []

    def use() -> None:
        for call in (lambda: head.infer(tensors()), head.timings, head.close):
            try:
                call()
            except WrongThreadError as error:
                caught.append(error)

    thread = threading.Thread(target=use, name="painter")
    thread.start()
    thread.join()
    assert len(caught) == 3
    assert "thread 'painter'" in str(caught[0])
    assert f"thread '{threading.current_thread().name}'" in str(caught[0])
    assert head.infer(tensors())["logits"].shape == (3, 5)


def test_times_of_the_last_call(head: TensorRtEngine) -> None:
    head.infer(tensors())
    times = head.timings()
    assert all(value >= 0 for value in times)
    assert times.compute_ms > 0


def test_closing_twice_and_using_afterwards(bundle: Bundle, gpu: Gpu, machine: FakeMachine) -> None:
    engine = load(bundle, gpu)
    logits = engine.infer(tensors())["logits"]
    before = logits.copy()
    engine.close()
    engine.close()
    assert (logits == before).all()  # what was handed out stays readable
    assert machine.left() == {}
    with pytest.raises(EngineError, match="engine head: it is closed"):
        engine.infer(tensors())


def test_the_computation_is_one_graph(head: TensorRtEngine) -> None:
    assert head.graph_problem is None


def test_nothing_is_allocated_after_loading(bundle: Bundle, fake: Gpu, machine: FakeMachine) -> None:
    engine = load(bundle, fake)
    machine.allocations = 0
    machine.fail = dict.fromkeys(("alloc_device", "alloc_pinned", "create_stream", "create_event"), "no")
    first = engine.infer(tensors())["logits"]
    assert engine.infer(tensors())["logits"] is first
    assert machine.allocations == 0
    engine.close()


@pytest.mark.parametrize("call", ["begin_capture", "end_capture"])
def test_where_no_graph_can_be_recorded_it_goes_on_without(
    bundle: Bundle, fake: Gpu, machine: FakeMachine, call: str
) -> None:
    machine.fail = {call: "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"}
    engine = load(bundle, fake)
    assert engine.graph_problem == f"CUDA: {call} gives CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
    assert engine.infer(tensors())["logits"][0, 1] == pytest.approx(10)
    engine.close()
    assert machine.left() == {}


def test_a_plan_that_cannot_be_recorded_runs_unrecorded(bundle: Bundle, fake: Gpu, machine: FakeMachine) -> None:
    fake.trt.refuse.add("record")
    engine = load(bundle, fake)
    assert "TensorRT cannot run it" in str(engine.graph_problem)
    assert engine.infer(tensors())["logits"][0, 1] == pytest.approx(10)
    engine.close()
    assert machine.left() == {}


@pytest.mark.parametrize(
    "call", ["alloc_device", "alloc_pinned", "create_stream", "create_event", "synchronise", "to_device"]
)
def test_a_failure_of_cuda_leaves_nothing_behind(bundle: Bundle, fake: Gpu, machine: FakeMachine, call: str) -> None:
    plan = checked(bundle, fake)
    machine.fail = {call: "CUDA_ERROR_OUT_OF_MEMORY"}
    with pytest.raises(EngineError, match=f"{call} gives CUDA_ERROR_OUT_OF_MEMORY"):
        _load_and_run(plan, fake)
    assert machine.left() == {}


def _load_and_run(plan: CheckedPlan, gpu: Gpu) -> None:
    engine = TensorRtEngine(plan, gpu.trt, gpu.open_cuda())
    try:
        engine.infer(tensors())
    finally:
        engine.close()


def test_memory_that_runs_out_halfway_is_given_back(bundle: Bundle, fake: Gpu, machine: FakeMachine) -> None:
    plan = checked(bundle, fake)
    cuda = fake.open_cuda()
    allocate, calls = cuda.alloc_device, []

    def third_fails(size_bytes: int) -> int:
        calls.append(size_bytes)
        if len(calls) == 3:
            raise EngineError("CUDA: alloc_device gives CUDA_ERROR_OUT_OF_MEMORY")
        return allocate(size_bytes)

    cuda.alloc_device = third_fails  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="OUT_OF_MEMORY"):
        TensorRtEngine(plan, fake.trt, cuda)
    assert machine.left() == {}


def test_a_context_that_tensorrt_cannot_make_says_how_much_memory_is_free(
    bundle: Bundle, fake: Gpu, machine: FakeMachine
) -> None:
    fake.trt.refuse.add("context")
    with pytest.raises(EngineError, match=r"OutOfMemory.*100 of 8000 MiB of GPU memory are free"):
        load(bundle, fake)
    assert machine.left() == {}


def test_a_computation_that_tensorrt_refuses_is_told(bundle: Bundle, fake: Gpu, machine: FakeMachine) -> None:
    machine.fail = {"begin_capture": "no"}
    engine = load(bundle, fake)
    fake.trt.refuse.add("execute")
    with pytest.raises(EngineError, match="engine head: TensorRT cannot run it: Error Code 1: Cask"):
        engine.infer(tensors())
    engine.close()


def test_a_plan_that_tensorrt_refuses_gives_one_line(bundle: Bundle, fake: Gpu, machine: FakeMachine) -> None:
    plan = replace(checked(bundle, fake), content=b"another format")
    with pytest.raises(PlanError) as caught:
        TensorRtEngine(plan, fake.trt, fake.open_cuda())
    assert "\n" not in str(caught.value)
    assert "Error Code 1" in str(caught.value)
    assert f"`egoact build {bundle.path} --precision f32`" in str(caught.value)
    assert machine.left() == {}


def test_a_plan_with_other_tensors_than_its_sidecar_is_refused(bundle: Bundle, fake: Gpu) -> None:
    plan = checked(bundle, fake)
    lying = replace(plan, sidecar=replace(plan.sidecar, profile={"appearance": "float32[1, 9]"}))
    with pytest.raises(PlanError, match=r"profile differs.*mask float32\[3, 3\].*egoact build") as caught:
        TensorRtEngine(lying, fake.trt, fake.open_cuda())
    assert caught.value.field == "profile"
