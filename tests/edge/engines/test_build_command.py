"""egoact build: what is built, what is not built again, and what is said where TensorRT cannot run."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge import build_command, cli
from edge.build_command import BuildOptions, build
from edge.bundle import Bundle, Choice, rewrite_manifest
from edge.engines.cuda_memory import Cuda
from edge.engines.gpu import Gpu
from edge.engines.load import load_engines
from edge.engines.plan_builder import BuildSettings
from edge.errors import BundleError, EngineError, NoGpuError, PlanError, UsageError
from edge.precision import Precisions
from export.f16 import write_f16
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import fake_gpu
from tests.tiny_bundle import make_bundle

NO_DRIVER = "no NVIDIA driver here (libcuda.so.1 cannot be loaded)"


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def gpu(machine: FakeMachine, tmp_path: Path) -> Gpu:
    return fake_gpu(machine, tmp_path)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """With FP16 and INT8 video beside the FP32 graphs; that INT8 is a copy does not matter here."""
    bundle = make_bundle(tmp_path / "tiny")
    write_f16(bundle.graph("video"), bundle.path / "video.f16-trt.onnx")
    shutil.copyfile(bundle.graph("video"), bundle.path / "video.int8-trt.onnx")
    return rewrite_manifest(bundle)


def built(bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str], **options: object) -> dict[str, str]:
    """'video.f16' -> 'built' or 'up to date'."""
    asked = BuildOptions(bundle.path, json=True, **options)  # type: ignore[arg-type]
    assert build(asked, find=lambda: gpu) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert all(Path(plan["plan"]).stat().st_size == plan["bytes"] for plan in plans)
    return {f"{plan['engine']}.{plan['precision']}": plan["state"] for plan in plans}


@pytest.mark.parametrize(
    ("asked", "plans"),
    [
        ("auto", ["video.f32", "fbank.f32", "audio.f32", "head.f32"]),
        ("f16+f32", ["video.f16", "fbank.f32", "audio.f32", "head.f32"]),
        ("all", ["video.f32", "video.f16", "video.int8", "fbank.f32", "audio.f32", "head.f32"]),
    ],
)
def test_what_a_precision_needs(
    bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str], asked: str, plans: list[str]
) -> None:
    assert built(bundle, gpu, capsys, precision=asked) == dict.fromkeys(plans, "built")


def test_auto_builds_what_the_evidence_chose(bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str]) -> None:
    selection = {"tensorrt": {"video": Choice("int8", "faster"), "audio": Choice("f32", "faster")}}
    chosen = rewrite_manifest(bundle, selection=selection, temperatures={"f32": 1.0, "trt-int8+f32": 1.1})
    assert "video.int8" in built(chosen, gpu, capsys)


def test_only_what_is_not_up_to_date_is_built(
    bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    built(bundle, gpu, capsys)
    assert set(built(bundle, gpu, capsys).values()) == {"up to date"}
    assert set(built(bundle, gpu, capsys, force=True).values()) == {"built"}
    assert set(built(bundle, gpu, capsys, settings=BuildSettings(optimisation_level=1)).values()) == {"built"}
    plan = next((bundle.path / "plans").rglob("audio.f32.plan"))
    plan.write_bytes(plan.read_bytes()[:-1])
    again = built(bundle, gpu, capsys, settings=BuildSettings(optimisation_level=1))
    assert [name for name, state in again.items() if state == "built"] == ["audio.f32"]
    newer = fake_gpu(FakeMachine(), tmp_path, version="10.16.2")
    assert set(built(bundle, newer, capsys, settings=BuildSettings(optimisation_level=1)).values()) == {"built"}


def test_an_interrupted_build_goes_on_where_it_stopped(
    bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def interrupt(voice: object, label: str) -> Callable[[float], None]:
        def tell(share: float) -> None:
            if label.startswith("audio") and share > 0.4:
                raise KeyboardInterrupt
            calls.append(label)

        return tell

    with monkeypatch.context() as patch:
        patch.setattr(build_command._Voice, "progress", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(BuildOptions(bundle.path, json=True), find=lambda: gpu)
    assert calls.count("audio f32") == 1  # TensorRT was stopped at the next step
    states = built(bundle, gpu, capsys)
    assert states == {"video.f32": "up to date", "fbank.f32": "up to date", "audio.f32": "built", "head.f32": "built"}
    assert not list(bundle.path.rglob("*.tmp"))


def test_every_build_is_strongly_typed_static_and_without_tf32(
    bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys, settings=BuildSettings(256, 5))
    assert len(gpu.trt.configs) == 4
    for config in gpu.trt.configs:
        assert config.cleared == ["TF32"]
        assert (config.workspace, config.builder_optimization_level) == (256 << 20, 5)
        assert len(config.profiles) == 1
    shape = (1, 32, 32, 32, 3)
    assert gpu.trt.configs[0].profiles[0] == {"frames": (shape, shape, shape)}


def test_timings_of_one_build_help_the_next_and_bad_ones_do_not_hurt(
    bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys)
    cache = next((bundle.path / "plans").rglob("timing-10.3.0.cache"))
    assert cache.read_bytes() == gpu.trt.mark + b"timings"
    cache.write_bytes(b"of another TensorRT")
    assert set(built(bundle, gpu, capsys, force=True).values()) == {"built"}
    assert cache.read_bytes() == gpu.trt.mark + b"timings"


def test_plans_give_what_the_cpu_gives(
    bundle: Bundle, gpu: Gpu, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys, precision="f16+f32")
    engines = load_engines(bundle, Precisions("f16", "f32", "tensorrt"), find=lambda: gpu)
    cpu = load_engines(bundle, threads=1)
    frames = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 32, 3), dtype=np.uint8)
    seen = engines.video.infer({"frames": frames})["appearance"]
    assert seen == pytest.approx(cpu.video.infer({"frames": frames})["appearance"], abs=1e-3)
    assert engines.describe()[:2] == ("video: tensorrt f16", "fbank: tensorrt f32")
    engines.close()
    assert machine.left() == {}


def test_one_thread_loads_another_runs_and_the_first_closes(
    bundle: Bundle, gpu: Gpu, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `egoact replay --tui` does it; the fake would notice CUDA in two threads."""
    built(bundle, gpu, capsys)
    before = threading.active_count()
    engines = load_engines(bundle, Precisions("f32", "f32", "tensorrt"), find=lambda: gpu)
    results: list[object] = []

    def run() -> None:
        waveform = np.full(engines.fbank.spec.inputs[0].shape, 0.25, np.float32)
        results.append(engines.fbank.infer({"waveform": waveform})["fbank"].copy())
        try:
            engines.fbank.infer({"waveform": waveform[:, 1:]})
        except EngineError as error:
            results.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    engines.close()
    assert results[0] == pytest.approx(np.float32([[0.25]]))
    assert "input waveform is float32[1, 34132], expected float32[1, 34133]" in str(results[1])
    assert machine.left() == {}
    assert threading.active_count() == before


def test_a_plan_that_is_missing_names_the_command_and_leaves_nothing_open(
    bundle: Bundle, gpu: Gpu, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys)
    next((bundle.path / "plans").rglob("head.f32.plan")).unlink()
    with pytest.raises(PlanError, match=r"head\.f32\.plan: missing; build it on this device: `egoact build .* f32`"):
        load_engines(bundle, Precisions("f32", "f32", "tensorrt"), find=lambda: gpu)
    assert machine.left() == {}


def test_an_engine_that_cannot_be_made_leaves_none_of_the_others(
    bundle: Bundle, gpu: Gpu, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys)
    opened: list[object] = []

    def third_fails() -> Cuda:
        if len(opened) == 2:
            raise EngineError("CUDA: context: out of memory")
        opened.append(machine.open())
        return opened[-1]  # type: ignore[return-value]

    with pytest.raises(EngineError, match="out of memory"):
        load_engines(bundle, Precisions("f32", "f32", "tensorrt"), find=lambda: replace(gpu, open_cuda=third_fails))
    assert machine.left() == {}


def test_no_graph_is_said_in_the_engines_line(
    bundle: Bundle, gpu: Gpu, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    built(bundle, gpu, capsys)
    machine.fail = {"begin_capture": "no"}
    engines = load_engines(bundle, Precisions("f32", "f32", "tensorrt"), find=lambda: gpu)
    assert engines.describe()[0] == "video: tensorrt f32, no CUDA graph"
    engines.close()


@pytest.mark.parametrize("asked", ["f64", "f16+", "f16+f16+f16", ""])
def test_unknown_precisions(bundle: Bundle, gpu: Gpu, asked: str) -> None:
    with pytest.raises(UsageError, match="--precision"):
        build(BuildOptions(bundle.path, asked), find=lambda: gpu)


def test_a_precision_without_a_graph_names_the_command(bundle: Bundle, gpu: Gpu) -> None:
    with pytest.raises(BundleError, match=r"audio\.f16-trt\.onnx.*egoact calibrate"):
        build(BuildOptions(bundle.path, "f16"), find=lambda: gpu)


def test_a_graph_that_tensorrt_cannot_build(bundle: Bundle, gpu: Gpu) -> None:
    gpu.trt.refuse.add("build")
    with pytest.raises(EngineError, match=r"engine video: TensorRT cannot build it .*implementation for node /Conv"):
        build(BuildOptions(bundle.path), find=lambda: gpu)
    assert not list(bundle.path.rglob("*.plan"))


def test_a_folder_that_cannot_be_written_to(bundle: Bundle, gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    (bundle.path / "plans").write_text("a file where the folder should be")
    with pytest.raises(PlanError, match=r"cannot be written.*copy the bundle.*cp -r"):
        build(BuildOptions(bundle.path), find=lambda: gpu)


def no_gpu() -> Gpu:
    raise NoGpuError(NO_DRIVER)


def test_without_a_gpu_one_line_names_the_way_on(bundle: Bundle) -> None:
    with pytest.raises(NoGpuError) as caught:
        build(BuildOptions(bundle.path), find=no_gpu)
    assert str(caught.value) == f"{NO_DRIVER}; give --allow-cpu to go on with the CPU engines"


def test_the_cpu_is_taken_when_it_is_allowed(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(BuildOptions(bundle.path, allow_cpu=True), find=no_gpu) == 0
    assert capsys.readouterr().out == f"no plans are built, egoact runs on the CPU engines here: {NO_DRIVER}\n"
    assert build(BuildOptions(bundle.path, allow_cpu=True, json=True), find=no_gpu) == 0
    assert json.loads(capsys.readouterr().out) == {"device": None, "reason": NO_DRIVER, "plans": []}


def test_what_a_person_reads(bundle: Bundle, gpu: Gpu, capsys: pytest.CaptureFixture[str]) -> None:
    build(BuildOptions(bundle.path), find=lambda: gpu)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Orin, SM 8.7, tensorrt 10.3.0"
    assert lines[1].startswith("video f32: built in ")
    build(BuildOptions(bundle.path), find=lambda: replace(gpu, platform=replace(gpu.platform, cuda="12.8")))
    assert "video f32: built again, cuda differs or cannot be read" in capsys.readouterr().out


def test_workspace_out_of_range(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "--workspace-mib", "0"]) == 2
    assert "--workspace-mib 0" in capsys.readouterr().err
