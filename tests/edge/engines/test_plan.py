"""Plans and their sidecars: every difference is named before TensorRT sees a byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.bundle import Bundle, load_bundle
from edge.engines.cuda_driver import Device
from edge.engines.gpu import Gpu, platform_of
from edge.engines.load import load_engines
from edge.engines.plan import PlanFile, check_plan, plan_file
from edge.errors import PlanError
from edge.precision import Precisions
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import ORIN, build_all, fake_gpu
from tests.tiny_bundle import make_bundle

F32 = Precisions("f32", "f32", "tensorrt")


@pytest.fixture
def gpu(tmp_path: Path) -> Gpu:
    return fake_gpu(FakeMachine(), tmp_path)


@pytest.fixture
def bundle(tmp_path: Path, gpu: Gpu) -> Bundle:
    """A bundle with its plans; the folder's name has a space."""
    made = make_bundle(tmp_path / "my bundle")
    build_all(made, gpu)
    return made


@pytest.fixture
def file(bundle: Bundle, gpu: Gpu) -> PlanFile:
    return plan_file(
        bundle.path,
        "head",
        "f32",
        onnx_sha256=bundle.sha256["head.onnx"],
        platform=gpu.platform,
        rebuild=f"egoact build '{bundle.path}' --precision f32",
    )


def refused(bundle: Bundle, gpu: Gpu) -> PlanError:
    """Through the loader, as a user meets it; TensorRT has been given nothing."""
    gpu.trt.loaded = 0
    with pytest.raises(PlanError) as caught:
        load_engines(bundle, F32, find=lambda: gpu)
    assert gpu.trt.loaded == 0
    message = str(caught.value)
    assert "\n" not in message
    assert f"`egoact build '{bundle.path}' --precision f32`" in message
    return caught.value


def test_what_fits_is_loaded(file: PlanFile) -> None:
    plan = check_plan(file)
    assert plan.sidecar.profile["mask"] == "float32[3, 3]"
    assert (plan.sidecar.workspace_mib, plan.sidecar.optimisation_level) == (1024, 3)
    assert len(plan.content) == plan.sidecar.plan_bytes


OTHER_MACHINES: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "tensorrt": (lambda p: replace(p, tensorrt="10.16.2"), "10.3.0", "10.16.2"),
    "module": (lambda p: replace(p, module="tensorrt_rtx"), "tensorrt", "tensorrt_rtx"),
    "cuda": (lambda p: replace(p, cuda="13.2"), "12.6", "13.2"),
    "l4t": (lambda p: replace(p, l4t="39.2.0"), "none", "39.2.0"),
}


@pytest.mark.parametrize("field", OTHER_MACHINES)
def test_a_plan_of_other_software_names_the_field_and_both_values(bundle: Bundle, gpu: Gpu, field: str) -> None:
    change, built, here = OTHER_MACHINES[field]
    error = refused(bundle, replace(gpu, platform=change(gpu.platform)))
    assert error.field == field
    assert f"{field} differs: built with {built}, this is {here}" in str(error)


@pytest.mark.parametrize(
    ("field", "device"),
    [
        ("gpu", ORIN._replace(name="NVIDIA H100 80GB HBM3")),
        ("sm", ORIN._replace(sm="11.0")),
        ("multiprocessors", ORIN._replace(multiprocessors=16)),
    ],
)
def test_a_plan_of_another_gpu_is_not_even_looked_at(bundle: Bundle, gpu: Gpu, field: str, device: Device) -> None:
    """Its folder has another name. Copied into this device's folder, it is refused for what differs."""
    there = replace(gpu, platform=platform_of(gpu.trt, device, Path("/nowhere")))
    assert refused(bundle, there).field == "missing"
    plans = bundle.path / "plans"
    shutil.copytree(plans / gpu.platform.device_key, plans / there.platform.device_key)
    error = refused(bundle, there)
    assert error.field == field
    assert str(getattr(there.platform, field)) in str(error)


def test_a_driver_update_within_the_same_cuda_changes_nothing(file: PlanFile) -> None:
    check_plan(replace(file, platform=replace(file.platform, driver="580.65.06", jetpack="7.2")))


def test_a_changed_graph_under_an_old_sidecar(bundle: Bundle, gpu: Gpu) -> None:
    """The bundle was exported again; its manifest is right, the plans are old."""
    again = make_bundle(bundle.path, spec=replace(bundle.window, frame_size_px=48))
    error = refused(again, gpu)
    assert error.field == "onnx_sha256"
    assert "video.f32.plan" in str(error)


@pytest.mark.parametrize("field", ["engine", "precision"])
def test_a_plan_under_another_name(bundle: Bundle, gpu: Gpu, file: PlanFile, field: str) -> None:
    data = json.loads(file.sidecar.read_text())
    file.sidecar.write_text(json.dumps({**data, field: "other"}))
    assert refused(bundle, gpu).field == field


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda content: content[:-7], "plan_bytes"),
        (lambda content: b"", "plan_bytes"),
        (lambda content: content[:-1] + b"?", "plan_sha256"),
    ],
)
def test_a_truncated_or_changed_plan(
    bundle: Bundle, gpu: Gpu, file: PlanFile, damage: Callable[[bytes], bytes], field: str
) -> None:
    file.path.write_bytes(damage(file.path.read_bytes()))
    assert refused(bundle, gpu).field == field


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "not a sidecar"),
        (b"\xff\xfe\x00", "not a sidecar"),
        (b"[1, 2]", "not a sidecar"),
        (b"{}", "no field 'format'"),
        (b"[" * 100_000, "not a sidecar"),
        (b'{"format": 1}', "no field"),
        (b" " * (1 << 20) + b"{}", "larger than 1 MiB"),
    ],
)
def test_a_sidecar_that_is_none(bundle: Bundle, gpu: Gpu, file: PlanFile, content: bytes, words: str) -> None:
    file.sidecar.write_bytes(content)
    error = refused(bundle, gpu)
    assert error.field == "sidecar"
    assert words in str(error)


@pytest.mark.parametrize("field", ["engine", "plan_bytes", "build_s", "profile", "platform"])
@pytest.mark.parametrize("value", [None, True, ["x"]])
def test_a_field_of_the_wrong_kind(bundle: Bundle, gpu: Gpu, file: PlanFile, field: str, value: object) -> None:
    data = json.loads(file.sidecar.read_text())
    file.sidecar.write_text(json.dumps({**data, field: value}))
    assert refused(bundle, gpu).field == "sidecar"


def test_a_sidecar_of_a_later_egoact(bundle: Bundle, gpu: Gpu, file: PlanFile) -> None:
    data = json.loads(file.sidecar.read_text())
    file.sidecar.write_text(json.dumps({**data, "format": 2}))
    assert refused(bundle, gpu).field == "format"


@pytest.mark.parametrize("which", ["path", "sidecar"])
def test_a_missing_file(bundle: Bundle, gpu: Gpu, file: PlanFile, which: str) -> None:
    getattr(file, which).unlink()
    assert refused(bundle, gpu).field == "missing"


@pytest.mark.parametrize("part", ["path", "sidecar", "device", "plans"])
def test_links_are_refused_wherever_they_stand(
    bundle: Bundle, gpu: Gpu, file: PlanFile, tmp_path: Path, part: str
) -> None:
    linked = {"device": file.path.parent, "plans": file.path.parent.parent}.get(part) or getattr(file, part)
    moved = tmp_path / "elsewhere"
    linked.rename(moved)
    linked.symlink_to(moved)
    assert refused(bundle, gpu).field == "link"


def test_a_bundle_with_plans_is_still_a_bundle(bundle: Bundle) -> None:
    assert load_bundle(bundle.path).labels == bundle.labels


def test_device_keys_are_plain_folder_names(gpu: Gpu) -> None:
    assert gpu.platform.device_key == "orin-sm87-8mp"
    hostile = replace(gpu.platform, gpu="../../NVIDIA\x1b[2J H100")
    assert hostile.device_key == "nvidia--2j-h100-sm87-8mp"


def test_a_jetson_is_recognised_by_its_release(gpu: Gpu, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n")
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build\nGCC version: 11\n"
    )
    platform = platform_of(gpu.trt, ORIN, tmp_path)
    assert (platform.l4t, platform.jetpack, platform.driver) == ("36.4.3", "6.2", "540.4.0")
