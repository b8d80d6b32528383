"""egoact build on a machine without an NVIDIA driver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_bundle import make_bundle

NO_DRIVER = "no NVIDIA driver here (libcuda.so.1 cannot be loaded)"


@pytest.mark.parametrize("allow", [True, False])
def test_no_driver_and_nothing_crashes_not_even_the_exit(tmp_path: Path, allow: bool) -> None:
    """A whole process, in which TensorRT-RTX can be imported and no driver can be loaded.

    Its Runtime without a driver is what crashes interpreters at their exit: it may not even be imported.
    """
    bundle = make_bundle(tmp_path / "tiny")
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    program = f"""
import ctypes, sys
real = ctypes.CDLL
def load(name, *rest, **more):
    if name == "libcuda.so.1":
        raise OSError(name)
    return real(name, *rest, **more)
ctypes.CDLL = load
import importlib.util
assert importlib.util.find_spec("tensorrt_rtx")
from edge.cli import main
code = main(["build", {str(bundle.path)!r}] + {["--allow-cpu"] if allow else []})
assert not [name for name in sys.modules if name.startswith(("tensorrt", "pycuda", "cuda"))], sys.modules
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == (0 if allow else 1), done.stderr
    assert NO_DRIVER in (done.stdout if allow else done.stderr)
    assert "Traceback" not in done.stderr
