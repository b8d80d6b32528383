from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.bundle import Bundle, rewrite_manifest
from edge.engines import start
from edge.engines.load import load_engines
from edge.engines.start import check_precision, start_engines
from edge.errors import BundleError, NoGpuError, PlanError, UsageError
from tests.tiny_bundle import make_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny")


def no_gpu() -> object:
    raise NoGpuError("no driver")


def unreachable() -> object:
    raise AssertionError("the GPU must not be asked for")


def test_without_a_gpu_auto_is_the_cpu_and_says_nothing(bundle: Bundle) -> None:
    started = start_engines(bundle, threads=1, find=no_gpu)
    assert started.precisions.backend == "cpu"
    assert started.engines.video.spec.backend == "openvino"
    assert (started.note, started.temperature) == (None, 1.0)


def test_a_gpu_without_plans_is_said(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(bundle, precisions, *, threads, find):  # type: ignore[no-untyped-def]
        if precisions.backend == "tensorrt":
            raise PlanError("video.plan: missing; build it with `egoact build`", "plan")
        return load_engines(bundle, precisions, threads=threads)

    monkeypatch.setattr(start, "load_engines", load)
    started = start_engines(bundle, threads=1, find=object)
    assert started.precisions.backend == "cpu"
    assert "egoact build" in str(started.note)
    with pytest.raises(PlanError):
        start_engines(bundle, backend="tensorrt", threads=1, find=object)


def test_a_gpu_for_which_the_bundle_has_no_flavour_is_said(bundle: Bundle) -> None:
    shutil.copyfile(bundle.path / "video.onnx", bundle.path / "video.int8-cpu.onnx")
    only_cpu = rewrite_manifest(bundle, temperatures={"f32": 1.0, "int8+f32": 1.5})
    started = start_engines(only_cpu, "int8+f32", threads=1, find=object)
    assert started.temperature == 1.5
    assert "video.int8-trt.onnx" in str(started.note)


def test_what_was_asked_for_is_not_replaced(bundle: Bundle) -> None:
    with pytest.raises(NoGpuError):
        start_engines(bundle, backend="tensorrt", threads=1, find=no_gpu)
    assert start_engines(bundle, backend="cpu", threads=1, find=unreachable).precisions.backend == "cpu"


def test_bf16_is_of_the_cpu_only(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="no temperature was fitted for bf16"):
        start_engines(bundle, "bf16", threads=1, find=unreachable)
    with pytest.raises(UsageError, match="bf16"):
        start_engines(bundle, "bf16", "tensorrt", threads=1, find=unreachable)


def test_what_no_back_end_can_do_is_told_before_anything_is_loaded(bundle: Bundle) -> None:
    shutil.copyfile(bundle.path / "video.onnx", bundle.path / "video.int8-trt.onnx")
    only_gpu = rewrite_manifest(bundle, temperatures={"f32": 1.0, "trt-int8+f32": 1.5})
    check_precision(only_gpu, "auto")
    check_precision(only_gpu, "int8+f32")
    with pytest.raises(BundleError, match=r"video\.int8-cpu\.onnx"):
        check_precision(only_gpu, "int8+f32", "cpu")
    with pytest.raises(BundleError, match=r"video\.f16-trt\.onnx"):
        check_precision(only_gpu, "f16")
    with pytest.raises(BundleError, match="bf16"):
        check_precision(only_gpu, "bf16")
    with pytest.raises(UsageError, match="f8"):
        check_precision(only_gpu, "f8")
