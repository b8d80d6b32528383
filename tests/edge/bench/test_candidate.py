from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import edge.bench.candidate as module
from edge.bench.candidate import Candidate, candidates, load_candidate
from edge.bundle import Bundle
from edge.errors import BundleError, UsageError
from tests.tiny_bundle import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor of this test can do everything, wherever it runs."""
    monkeypatch.setattr(module, "processor_can", lambda precision: True)


def names(bundle: Bundle, **options: Sequence) -> list[str]:
    return [f"{c.engine}: {c.name}" for c in candidates(bundle, threads=options.pop("threads", (1,)), **options)]


def test_a_bundle_without_a_choice_runs_in_f32(bundle: Bundle) -> None:
    assert names(bundle) == [f"{engine}: cpu f32, 1 thread" for engine in ("video", "fbank", "audio", "head")]


def test_log_mel_and_head_are_measured_once_for_all_precisions(bundle: Bundle) -> None:
    found = names(bundle, precisions=("f32", "bf16"))
    assert found.count("fbank: cpu f32, 1 thread") == 1
    assert not [name for name in found if name.startswith(("fbank", "head")) and "bf16" in name]
    assert "video: cpu bf16, 1 thread" in found


def test_all_means_what_the_bundle_has_and_the_processor_can(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny bundle has no INT8 flavour."""
    assert names(bundle, precisions=("all",), engines=("video",)) == [
        "video: cpu f32, 1 thread",
        "video: cpu bf16, 1 thread",
    ]
    monkeypatch.setattr(module, "processor_can", lambda precision: precision == "f32")
    assert names(bundle, precisions=("all",), engines=("video",)) == ["video: cpu f32, 1 thread"]


def test_threads_and_back_ends_multiply(bundle: Bundle) -> None:
    found = names(bundle, engines=("head",), backends=("cpu", "onnxruntime"), threads=(1, 2))
    assert found == [
        "head: cpu f32, 1 thread",
        "head: cpu f32, 2 threads",
        "head: onnxruntime f32, 1 thread",
        "head: onnxruntime f32, 2 threads",
    ]


def test_a_gpu_has_no_threads(bundle: Bundle) -> None:
    assert names(bundle, engines=("head",), backends=("tensorrt",), threads=(1, 2)) == ["head: tensorrt f32"]


def test_a_precision_that_is_named_but_missing_is_an_error(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"has no video\.int8-cpu\.onnx"):
        candidates(bundle, precisions=("int8",))


@pytest.mark.parametrize(
    "options",
    [
        {"engines": ("vdeo",)},
        {"backends": ("gpu",)},
        {"precisions": ("f64",)},
        {"precisions": ("f16",), "engines": ("video",)},
    ],
)
def test_wrong_use_is_told(bundle: Bundle, options: dict) -> None:
    with pytest.raises(UsageError):
        candidates(bundle, **options)


@pytest.mark.parametrize("backend", ["cpu", "onnxruntime"])
def test_what_is_loaded_is_what_was_named(bundle: Bundle, backend: str) -> None:
    loaded = load_candidate(bundle, Candidate("audio", backend, "f32", 1))
    assert loaded.engine.spec.name == "audio"
    assert loaded.engine.spec.backend == ("openvino" if backend == "cpu" else backend)
    assert loaded.size_bytes == (Path(bundle.path) / "audio.onnx").stat().st_size
    assert loaded.build_s is None
    loaded.engine.close()
