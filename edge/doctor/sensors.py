"""Cameras and microphones: there, and usable by this user."""

from __future__ import annotations

from edge.devices.cameras import Camera
from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.doctor.probe import ProbeError
from edge.sysfs import matching
from edge.text import printable

_LOGIN = " (log in again afterwards)"


def cameras(host: Host) -> list[Finding]:
    """Cameras that can be opened, and the reason why others cannot."""
    found = host.cameras()
    usable = [camera for camera in found if camera.kind == "capture"]
    refused = [camera for camera in found if camera.kind == "unknown"]
    if usable:
        return [_usable(camera) if camera.readable else _raw(host, camera) for camera in usable]
    if refused and "video" not in host.groups():
        nodes = ", ".join(camera.node for camera in refused)
        value = f"{nodes} may not be opened: you are not in the group video{_LOGIN}"
        return [Finding("camera", "broken", value, "sudo usermod -aG video $USER")]
    if refused:
        return [Finding("camera", "broken", refused[0].problem or "cannot be asked", "egoact devices")]
    return [
        Finding("camera", "warning", "none plugged in; a network camera works: --camera rtsp://...", "egoact devices")
    ]


def _usable(camera: Camera) -> Finding:
    value = f"{printable(camera.name)} ({camera.node})"
    if not camera.holders:
        return Finding("camera", "ok", value)
    names = ", ".join(dict.fromkeys(holder.command for holder in camera.holders))
    pids = " ".join(str(holder.pid) for holder in camera.holders)
    return Finding("camera", "warning", f"{value}; {names} has it open and may keep it busy", f"kill {pids}")


def _raw(host: Host, camera: Camera) -> Finding:
    """Cameras at the connector of a Jetson; GStreamer makes pictures of what they give."""
    value = f"{printable(camera.name)} ({camera.node}) gives raw sensor data"
    if host.probe("opencv")["gstreamer"] == "yes":
        return Finding("camera", "ok", value)
    # JetPack's own OpenCV has GStreamer, and is seen once the one from pip is gone.
    mend = "pip uninstall -y opencv-python-headless"
    return Finding("camera", "warning", f"{value}: needs an OpenCV with GStreamer such as JetPack's", mend)


def microphones(host: Host) -> list[Finding]:
    """Microphones that can be opened."""
    try:
        found = host.microphones()
    except ProbeError as error:
        if error.missing:
            return []  # the line of PortAudio says it
        return [Finding("microphone", "warning", str(error), "systemctl --user restart pipewire")]
    if found:
        chosen = next((microphone for microphone in found if microphone.default), found[0])
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return [Finding("microphone", "ok", f"{printable(chosen.name)}, {chosen.rate_hz} Hz{more}")]
    nodes = [f"/dev/snd/{node.name}" for node in matching(host.file("dev/snd"), "pcmC*c")]
    refused = [node for node in nodes if not host.can_open(node)]
    if refused and "audio" not in host.groups():
        value = f"{refused[0]} may not be opened: you are not in the group audio{_LOGIN}"
        return [Finding("microphone", "warning", value, "sudo usermod -aG audio $USER")]
    if nodes:
        return [Finding("microphone", "warning", "a sound card is there, but nothing records", "pactl info")]
    return [Finding("microphone", "warning", "none found: labels come from the picture alone", "egoact devices")]
