"""The shipped graphs and their flavours build with TensorRT-RTX, which needs no GPU for that.

Guards of its use without a driver: a GPU to build for is named, no timing cache (it would ask the GPU), and never a
Runtime (without a driver it crashes the interpreter at its exit).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edge.build_command import BuildOptions, build
from edge.bundle import SHIPPED, Bundle, load_bundle, rewrite_manifest
from edge.engines.gpu import Gpu, platform_of
from edge.engines.plan_builder import BuildSettings, build_plan
from edge.errors import EngineError
from export.f16 import to_f16, write_f16
from tests.edge.engines import fake_trt
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import ORIN
from tests.export.graphs import F32, graph_of, quantised_block

tensorrt_rtx = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
TARGET = "SM86"  # Ampere, as Orin; RTX has no SM 8.7


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """The shipped one with FP16 flavours of both backbones."""
    shutil.copytree(SHIPPED, tmp_path / "bundle", ignore=shutil.ignore_patterns("plans"))
    bundle = load_bundle(tmp_path / "bundle")
    for name in ("video", "audio"):
        write_f16(bundle.graph(name), bundle.path / f"{name}.f16-trt.onnx")
    return rewrite_manifest(bundle)


def test_every_shipped_graph_and_its_f16_flavour(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = Gpu(tensorrt_rtx, platform_of(tensorrt_rtx, ORIN, tmp_path), FakeMachine().open)
    options = BuildOptions(bundle.path, "all", json=True)
    assert build(options, find=lambda: gpu, capability=TARGET) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    sizes = {f"{plan['engine']}.{plan['precision']}": plan["bytes"] for plan in plans}
    assert sizes.keys() >= {"video.f32", "video.f16", "fbank.f32", "audio.f32", "audio.f16", "head.f32"}
    assert all(size > 100_000 for size in sizes.values())
    sidecars = {file.name: json.loads(file.read_text()) for file in (bundle.path / "plans").rglob("*.json")}
    assert sidecars["video.f16.plan.json"]["profile"] == {
        "frames": "uint8[1, 32, 128, 128, 3]",
        "appearance": "float32[1, 512]",
        "motion": "float32[1, 128]",
    }
    assert sidecars["head.f32.plan.json"]["platform"]["module"] == "tensorrt_rtx"
    assert not list(bundle.path.rglob("*.cache"))
    assert build(options, find=lambda: gpu, capability=TARGET) == 0
    assert {plan["state"] for plan in json.loads(capsys.readouterr().out)["plans"]} == {"up to date"}


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (fake_trt._Runtime, "Runtime"),
        (fake_trt._Engine, "ICudaEngine"),
        (fake_trt._Context, "IExecutionContext"),
        (fake_trt._Builder, "Builder"),
        (fake_trt._Config, "IBuilderConfig"),
        (fake_trt._Profile, "IOptimizationProfile"),
        (fake_trt._Network, "INetworkDefinition"),
        (fake_trt._Cache, "ITimingCache"),
    ],
)
def test_the_fake_offers_nothing_that_tensorrt_has_not(fake: type, real: str) -> None:
    offered = {name for name in vars(fake) if not name.startswith("_")}
    assert offered
    assert offered <= set(dir(getattr(tensorrt_rtx, real)))


@pytest.mark.parametrize("stored_int8", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_quantised_graphs_with_f16_and_with_f32_around(stored_int8: bool, half: bool) -> None:
    model = quantised_block(stored_int8=stored_int8)
    graph = (to_f16(model)[0] if half else model).SerializeToString()
    built = build_plan(tensorrt_rtx, "video", graph, BuildSettings(), capability=TARGET)
    assert built.profile == {"frames": "uint8[1, 4, 16, 16, 3]", "feature": "float32[1, 16]"}
    assert built.timing_cache is None


def test_progress_is_told_and_only_grows() -> None:
    shares: list[float] = []
    graph = load_bundle(SHIPPED).graph("video").read_bytes()
    build_plan(tensorrt_rtx, "video", graph, BuildSettings(), capability=TARGET, progress=shares.append)
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1


def test_an_interrupt_stops_the_build_and_is_passed_on() -> None:
    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    graph = load_bundle(SHIPPED).graph("video").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        build_plan(tensorrt_rtx, "video", graph, BuildSettings(), capability=TARGET, progress=interrupt)


def test_a_damaged_graph_gives_one_line() -> None:
    with pytest.raises(EngineError) as caught:
        build_plan(tensorrt_rtx, "video", b"not a graph", BuildSettings(), capability=TARGET)
    assert "engine video: TensorRT cannot read the graph" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_parser_refuses_is_told() -> None:
    """The order of our first export: a transpose of bytes, which TensorRT has not."""
    nodes = [
        helper.make_node("Transpose", ["frames"], ["moved"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["moved"], ["y"], to=TensorProto.FLOAT),
    ]
    model = graph_of(nodes, [("frames", TensorProto.UINT8, [1, 8, 8, 3])], [("y", F32, [1, 3, 8, 8])], {})
    with pytest.raises(EngineError, match=r"cannot read the graph .*UInt8.*export the bundle again"):
        build_plan(tensorrt_rtx, "video", model.SerializeToString(), BuildSettings(), capability=TARGET)


def test_an_open_shape_is_named() -> None:
    model = graph_of([helper.make_node("Relu", ["x"], ["y"])], [("x", F32, [1, 4])], [("y", F32, [1, 4])], {})
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model)
    with pytest.raises(EngineError, match=r"engine video: input x has the open shape \[-1, 4\]"):
        build_plan(tensorrt_rtx, "video", model.SerializeToString(), BuildSettings(), capability=TARGET)


def test_a_process_that_built_ends_in_peace(tmp_path: Path) -> None:
    """No Runtime is made; the interpreter's exit is part of the test."""
    program = f"""
import sys, tensorrt_rtx as trt
def never(*arguments):
    raise AssertionError("a Runtime without a driver")
trt.Runtime = never
from edge.engines.plan_builder import BuildSettings, build_plan
graph = open({str(SHIPPED / "head.onnx")!r}, "rb").read()
assert len(build_plan(trt, "head", graph, BuildSettings(), capability={TARGET!r}).plan) > 100_000
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
