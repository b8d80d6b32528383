"""Importing and running the runtime opens no network and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.edge.network_trap import network_trap
from tests.media import make_clip
from tests.tiny_bundle import make_bundle


def test_the_trap_catches_what_libraries_do(tmp_path: Path) -> None:
    env, log = network_trap(tmp_path / "trap")
    code = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert "socket.connect" in log.read_text()


def test_openvino_does_not_report_home(tmp_path: Path) -> None:
    env, log = network_trap(tmp_path / "trap")
    code = "import edge, openvino, time; openvino.Core().available_devices; time.sleep(0.5)"
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
    assert not log.exists(), log.read_text()
    assert list((tmp_path / "trap" / "home").iterdir()) == []


def test_onnxruntime_makes_no_device_id(tmp_path: Path) -> None:
    """What it would send is seen by no trap of Python's, but it leaves its traces in HOME and TMPDIR."""
    env, _ = network_trap(tmp_path / "trap")
    (tmp_path / "tmp").mkdir()
    env |= {"TMPDIR": str(tmp_path / "tmp"), "XDG_CACHE_HOME": ""}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    code = "import edge, onnxruntime as ort; ort.InferenceSession('edge/assets/bundle/head.onnx')"
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
    assert list((tmp_path / "trap" / "home").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_replay_opens_no_network_and_leaves_nothing(tmp_path: Path) -> None:
    env, log = network_trap(tmp_path / "trap")
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0, audio="tone")
    bundle = make_bundle(tmp_path / "bundle").path
    command = [sys.executable, "-m", "edge.cli", "replay", str(clip), "--bundle", str(bundle), "--threads", "1"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not log.exists(), log.read_text()
    assert list((tmp_path / "trap" / "home").iterdir()) == []
