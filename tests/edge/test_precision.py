from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge import precision
from edge.bundle import Bundle, Choice, rewrite_manifest
from edge.errors import BundleError, UsageError
from edge.precision import Precisions, choose, processor_can
from tests.tiny_bundle import make_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny")


def with_int8(bundle: Bundle) -> Bundle:
    """INT8 video beside BF16 audio, chosen; the graph itself does not matter here."""
    shutil.copyfile(bundle.path / "video.onnx", bundle.path / "video.int8-cpu.onnx")
    chosen = {"cpu": {"video": Choice("int8", "faster"), "audio": Choice("bf16", "faster")}}
    return rewrite_manifest(bundle, temperatures={"f32": 1.0, "int8+bf16": 2.0}, selection=chosen)


def test_keys_and_flavours() -> None:
    assert Precisions("int8", "int8").key == "int8"
    assert Precisions("int8", "bf16").key == "int8+bf16"
    assert Precisions("f16", "f16", "tensorrt").key == "trt-f16"
    assert Precisions("int8", "bf16").flavour("video") == "int8-cpu"
    assert Precisions("int8", "bf16").flavour("audio") is None
    assert Precisions("int8", "f16", "tensorrt").flavour("audio") == "f16-trt"
    assert Precisions("f32", "f32", "tensorrt").key == "f32"


def test_auto_takes_the_selection_where_the_processor_can(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = with_int8(bundle)
    monkeypatch.setattr(precision, "processor_can", lambda p: True)
    assert choose(chosen, "auto") == Precisions("int8", "bf16")
    assert precision.temperature(chosen, Precisions("int8", "bf16")) == 2.0
    monkeypatch.setattr(precision, "processor_can", lambda p: p == "f32")
    assert choose(chosen, "auto") == Precisions("f32", "f32")


def test_auto_without_a_temperature_for_the_mixture_falls_back(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = with_int8(bundle)
    monkeypatch.setattr(precision, "processor_can", lambda p: p != "bf16")
    assert choose(chosen, "auto") == Precisions("f32", "f32")  # int8+f32 was never fitted


def test_auto_without_evidence_is_f32(bundle: Bundle) -> None:
    assert choose(bundle, "auto") == Precisions("f32", "f32")


def test_what_the_bundle_does_not_have_names_the_command(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"video\.int8-cpu\.onnx.*egoact calibrate"):
        choose(bundle, "int8")
    with pytest.raises(BundleError, match=r"no temperature.*bf16.*egoact calibrate"):
        choose(bundle, "bf16")


@pytest.mark.parametrize("asked", ["f64", "int8+", "f32+f32+f32", "f16", ""])
def test_unknown_precisions(bundle: Bundle, asked: str) -> None:
    with pytest.raises(UsageError, match="--precision"):
        choose(bundle, asked)


@pytest.mark.parametrize(
    ("flags", "bf16", "int8"),
    [("avx2 avx512f", False, False), ("avx512_vnni avx512_bf16", True, True), ("asimd asimddp", False, True)],
)
def test_the_processor_is_asked(tmp_path: Path, flags: str, bf16: bool, int8: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags}\n")
    assert processor_can("bf16", tmp_path / "cpuinfo") is bf16
    assert processor_can("int8", tmp_path / "cpuinfo") is int8
    assert processor_can("f32", tmp_path / "nothing")
    assert not processor_can("int8", tmp_path / "nothing")
