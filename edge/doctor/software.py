"""The libraries that egoact runs on: there, loadable, and of which version."""

from __future__ import annotations

from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.doctor.probe import ProbeError

NEWEST_TESTED = (3, 13)
"""Older ones than 3.10 cannot even install egoact."""
_REINSTALL = "pip install --force-reinstall --no-cache-dir egoact"


def python(host: Host) -> list[Finding]:
    """The interpreter's version, and whether it is one that was tested."""
    text = ".".join(map(str, host.python)) + ("" if host.in_venv else ", not in a virtual environment")
    if host.python[:2] > NEWEST_TESTED:
        newest = ".".join(map(str, NEWEST_TESTED))
        value = f"{text}; egoact is tested up to {newest}"
        return [Finding("Python", "warning", value, f"python{newest} -m venv .venv")]
    return [Finding("Python", "ok", text)]


def egoact(host: Host) -> list[Finding]:
    """The version of egoact and of the system."""
    version = host.package_version("egoact") or "not installed, run from its folder"
    return [Finding("egoact", "ok", f"{version}, on {host.kernel}, {host.machine}")]


def libraries(host: Host) -> list[Finding]:
    """Those without which nothing runs."""
    return [_library(host, name, probe) for name, probe in (("NumPy", "numpy"), ("soxr", "soxr"), ("PyAV", "av"))]


def openvino(host: Host) -> list[Finding]:
    """Whether OpenVINO can be imported, and its version."""
    return [_library(host, "OpenVINO", "openvino")]


def opencv(host: Host) -> list[Finding]:
    """GStreamer in OpenCV is what a Jetson's CSI camera needs; the line of the camera says whether it is missed."""
    finding = _library(host, "OpenCV", "opencv")
    if finding.state != "ok":
        return [finding]
    with_or_without = "with" if host.probe("opencv")["gstreamer"] == "yes" else "without"
    return [Finding("OpenCV", "ok", f"{finding.value}, {with_or_without} GStreamer")]


def textual(host: Host) -> list[Finding]:
    """Whether Textual can be imported, and its version."""
    finding = _library(host, "Textual", "textual")
    if finding.state == "ok":
        return [finding]
    return [Finding("Textual", "warning", f"{finding.value}; only --headless works", finding.mend)]


def portaudio(host: Host) -> list[Finding]:
    """Whether the PortAudio library can be loaded, and its version."""
    try:
        return [Finding("PortAudio", "ok", host.probe("portaudio")["version"])]
    except ProbeError as error:
        if not error.missing:
            return [Finding("PortAudio", "warning", f"{error}; no microphone", "sudo apt install -y libportaudio2")]
        if host.package_version("sounddevice") is None:
            return [Finding("PortAudio", "warning", "sounddevice is missing: no microphone", "pip install sounddevice")]
        return [Finding("PortAudio", "warning", "not installed: no microphone", "sudo apt install -y libportaudio2")]


def _library(host: Host, name: str, probe: str) -> Finding:
    try:
        facts = host.probe(probe)
    except ProbeError as error:
        return Finding(name, "broken", "not installed" if error.missing else str(error), _REINSTALL)
    ffmpeg = f", FFmpeg {facts['ffmpeg']}" if "ffmpeg" in facts else ""
    return Finding(name, "ok", facts["version"] + ffmpeg)
