"""Made-up machines for the doctor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from edge.devices.cameras import list_cameras
from edge.doctor.host import Host, Screen
from edge.doctor.probe import ProbeError
from edge.engines.gpu import Platform
from edge.engines.plan import Sidecar, plan_file, write_plan
from edge.precision import Precisions
from edge.sources.portaudio import MicrophoneInfo
from tests.edge.devices.answers import ask_refused, ask_webcam
from tests.edge.fake_machine import LAPTOP, ORIN_NANO, usb_camera, write_tree

FACTS: dict[str, dict[str, Any]] = {
    "numpy": {"version": "2.4.6"},
    "soxr": {"version": "1.1.0"},
    "av": {"version": "17.1.0", "ffmpeg": "8.0.1"},
    "opencv": {"version": "4.12.0", "gstreamer": "no"},
    "openvino": {"version": "2026.4.1"},
    "textual": {"version": "8.2.8"},
    "portaudio": {"version": "V19.6.0-devel"},
}
NO_DRIVER = ProbeError("no NVIDIA driver here (libcuda.so.1 cannot be loaded)", missing=True)
ORIN = {"name": "Orin", "sm": "8.7", "multiprocessors": 8, "memory_bytes": 7_990_000_000, "cuda": "12.6"}
ORIN_PLATFORM = Platform("tensorrt", "10.3.0", "12.6", "540.4.0", "36.4.3", "6.2", "Orin", "8.7", 8)
MICROPHONE = MicrophoneInfo("USB Audio: - (hw:1,0)", 3, 2, 48_000, "ALSA", True)


def probes(facts: dict[str, dict[str, Any] | ProbeError]) -> Callable[[str], dict[str, Any]]:
    def probe(name: str) -> dict[str, Any]:
        answer = facts[name]
        if isinstance(answer, ProbeError):
            raise answer
        return answer

    return probe


def laptop(root: Path, bundle: Bundle) -> Host:
    """A laptop without NVIDIA GPU on which nothing is wrong."""
    usb_camera(write_tree(root, LAPTOP))
    return Host(
        root=root,
        machine="x86_64",
        kernel="Linux 6.12.0",
        python=(3, 12, 3),
        environ={"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        bundle=bundle.path,
        recordings=Path(),
        screen=Screen(True, 120, 40, "utf-8"),
        in_venv=True,
        package_version={"egoact": "0.1.0", "sounddevice": "0.5.6"}.get,
        probe=probes({**FACTS, "cuda": NO_DRIVER, "tensorrt": NO_DRIVER}),
        choose=lambda bundle: Precisions("f32", "f32"),
        cosines=lambda bundle, precision: {"appearance": 0.99, "motion": 0.98, "audio": 0.97},
        cameras=partial(list_cameras, root, ask_webcam),
        microphones=lambda: (MICROPHONE,),
        groups=lambda: frozenset({"wearer", "video", "audio"}),
        can_open=lambda device: True,
        free_bytes=lambda folder: 120_000_000_000,
        can_write=lambda folder: True,
    )


def no_portaudio(root: Path, bundle: Bundle) -> Host:
    missing = ProbeError("PortAudio library not found", missing=True)

    def microphones() -> tuple[MicrophoneInfo, ...]:
        raise missing

    probe = probes({**FACTS, "cuda": NO_DRIVER, "tensorrt": NO_DRIVER, "portaudio": missing})
    return replace(laptop(root, bundle), probe=probe, microphones=microphones)


def not_in_group_video(root: Path, bundle: Bundle) -> Host:
    write_tree(root, {"dev/snd/pcmC0D0c": ""})
    return replace(
        laptop(root, bundle),
        cameras=partial(list_cameras, root, ask_refused),
        microphones=lambda: (),
        groups=lambda: frozenset({"wearer"}),
        can_open=lambda device: False,
    )


def orin(root: Path, bundle: Bundle) -> Host:
    """An Orin Nano with JetPack 6.2, its plans built."""
    usb_camera(write_tree(root, ORIN_NANO))
    write_sidecar(bundle, ORIN_PLATFORM)
    versions = {"egoact": "0.1.0", "sounddevice": "0.5.6", "pycuda": "2026.1"}
    return replace(
        laptop(root / "unused", bundle),
        root=root,
        machine="aarch64",
        kernel="Linux 5.15.148-tegra",
        python=(3, 10, 12),
        screen=Screen(False, 80, 24, "utf-8"),
        package_version=versions.get,
        probe=probes({**FACTS, "cuda": ORIN, "tensorrt": asdict(ORIN_PLATFORM)}),
        cameras=partial(list_cameras, root, ask_webcam),
    )


def orin_with_wrong_plan(root: Path, bundle: Bundle) -> Host:
    """The same one after an update to another TensorRT; hot, and short of disk."""
    host = orin(root, bundle)
    newer = replace(ORIN_PLATFORM, tensorrt="10.16.2", l4t="39.2.0", jetpack="7.2", cuda="13.2")
    write_tree(
        root,
        {
            "etc/nv_tegra_release": "# R39 (release), REVISION: 2.0, GCID: 1, BOARD: generic\n",
            "sys/class/thermal/thermal_zone8/temp": "93500\n",
            "sys/class/thermal/cooling_device1/cur_state": "3\n",
        },
    )
    probe = probes({**FACTS, "cuda": {**ORIN, "cuda": "13.2"}, "tensorrt": asdict(newer)})
    return replace(host, probe=probe, free_bytes=lambda folder: 900_000_000)


def write_sidecar(bundle: Bundle, platform: Platform, plan: bytes = b"machine code") -> None:
    """The FP32 plan of the video engine, as `egoact build` would leave it."""
    import hashlib

    sha256 = bundle.sha256["video.onnx"]
    file = plan_file(bundle.path, "video", "f32", onnx_sha256=sha256, platform=platform, rebuild="egoact build")
    sidecar = Sidecar(
        engine="video",
        precision="f32",
        onnx_sha256=sha256,
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        plan_bytes=len(plan),
        profile={},
        platform=platform,
        workspace_mib=1024,
        optimisation_level=3,
        build_s=61.0,
        egoact="0.1.0",
    )
    write_plan(file, plan, sidecar)


HOSTS: dict[str, Callable[[Path, Bundle], Host]] = {
    "laptop": laptop,
    "no_portaudio": no_portaudio,
    "not_in_group_video": not_in_group_video,
    "orin": orin,
    "orin_with_wrong_plan": orin_with_wrong_plan,
}
