"""Libraries and drivers are tried out in a process of their own: one that crashes, hangs or prints harms nobody.

python -m edge.doctor.probe NAME      prints one JSON object: facts, or {"error": ..., "missing": true or false}
"""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

TIMEOUT_S = 20.0

Facts = dict[str, Any]


class ProbeError(Exception):
    """A library or driver cannot be used."""

    def __init__(self, reason: str, *, missing: bool) -> None:
        super().__init__(reason)
        self.missing = missing
        """Not installed, rather than broken."""


def _version(module: str) -> Callable[[], Facts]:
    return lambda: {"version": str(importlib.import_module(module).__version__)}


def _av() -> Facts:
    import av

    return {"version": av.__version__, "ffmpeg": str(getattr(av, "ffmpeg_version_info", "unknown version"))}


def _opencv() -> Facts:
    import cv2

    lines = [line.split(":", 1) for line in cv2.getBuildInformation().splitlines() if "GStreamer:" in line]
    gstreamer = "yes" if any("YES" in line[1] for line in lines) else "no"
    return {"version": cv2.__version__, "gstreamer": gstreamer}


def _openvino() -> Facts:
    import openvino

    return {"version": openvino.__version__.split("-")[0], "devices": ", ".join(openvino.Core().available_devices)}


def _textual() -> Facts:
    from importlib.metadata import version

    import textual.app  # noqa: F401  # it must load, its version stands in its metadata only

    return {"version": version("textual")}


def _portaudio() -> Facts:
    try:
        import sounddevice
    except OSError as error:  # the Python part is there, the library is not
        raise ProbeError(str(error), missing=True) from error
    return {"version": sounddevice.get_portaudio_version()[1].split(",")[0].removeprefix("PortAudio ")}


def _microphones() -> Facts:
    from edge.errors import SourceError
    from edge.sources.portaudio import list_microphones

    try:
        return {"found": [asdict(microphone) for microphone in list_microphones()]}
    except SourceError as error:  # PortAudio is not there, which its own line says
        raise ProbeError(str(error), missing=True) from error


def _cuda() -> Facts:
    from edge.engines.cuda_driver import find_device
    from edge.errors import NoGpuError

    try:
        return find_device()._asdict()
    except NoGpuError as error:
        raise ProbeError(str(error), missing=not Path("/proc/driver/nvidia").exists()) from error


def _tensorrt() -> Facts:
    from edge.engines.gpu import find_gpu
    from edge.errors import NoGpuError

    try:
        return asdict(find_gpu().platform)  # asks the driver before it imports TensorRT
    except NoGpuError as error:
        raise ProbeError(str(error), missing=True) from error


PROBES: dict[str, Callable[[], Facts]] = {
    "numpy": _version("numpy"),
    "soxr": _version("soxr"),
    "av": _av,
    "opencv": _opencv,
    "openvino": _openvino,
    "textual": _textual,
    "portaudio": _portaudio,
    "microphones": _microphones,
    "cuda": _cuda,
    "tensorrt": _tensorrt,
}


class Probes:
    """Probes started at once, all by default; `facts` waits for one of them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._running = {
            name: subprocess.Popen(
                [sys.executable, "-m", "edge.doctor.probe", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for name in names or PROBES
        }

    def facts(self, name: str) -> Facts:
        """What the probe found.

        Raises:
            ProbeError: the library is missing, broken, crashes or hangs.
        """
        process = self._running[name]
        try:
            out, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise ProbeError(f"it hangs: no answer within {TIMEOUT_S:.0f} s", missing=False) from None
        if process.returncode < 0:
            raise ProbeError(f"it crashes with {signal.Signals(-process.returncode).name}", missing=False)
        try:
            answer = json.loads(out)
        except ValueError:
            raise ProbeError(f"it ends with exit code {process.returncode} and says nothing", missing=False) from None
        if "error" in answer:
            raise ProbeError(answer["error"], missing=answer["missing"])
        return dict(answer)


def main(name: str) -> None:
    """The child: one probe, one line."""
    try:
        answer = PROBES[name]()
    except ProbeError as error:
        answer = {"error": str(error), "missing": error.missing}
    except ModuleNotFoundError as error:
        answer = {"error": str(error), "missing": True}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}", "missing": False}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
