"""The list of devices as lines of plain text, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from edge.devices.cameras import Camera
from edge.sources.portaudio import MicrophoneInfo
from edge.sources.v4l2_ioctl import CameraFormat
from edge.text import cut, printable

_WIDTH = 80
_GLUE = "\N{NO-BREAK SPACE}"
"""Keeps the rates in one line; a blank in what is printed."""

_NO_PICTURES = {"metadata": "metadata of the camera, no pictures", "other": "gives no pictures that egoact reads"}


def camera_lines(cameras: Sequence[Camera], hidden_processes: int) -> list[str]:
    """A block a camera; nodes that give no pictures take one line."""
    lines = ["cameras"]
    for camera in cameras:
        lines += _camera(camera)
    if not cameras:
        lines.append("  none found; plug one in, or give a network camera: --camera rtsp://HOST/PATH")
    if hidden_processes and any(camera.kind == "capture" for camera in cameras):
        processes = "1 process is" if hidden_processes == 1 else f"{hidden_processes} processes are"
        lines.append(f"  {processes} hidden from this user and may hold a camera; to see them:")
        lines.append("    sudo $(command -v egoact) devices")
    return lines


def _camera(camera: Camera) -> Iterator[str]:
    where = f" ({camera.bus})" if camera.bus else ""
    title = f"  {camera.node:<12} {printable(camera.name)}{where}"
    if camera.kind in _NO_PICTURES:
        yield from _wrapped(f"{title.strip()}: {_NO_PICTURES[camera.kind]}", "  ")
        return
    yield cut(title, _WIDTH)
    # A name is for copying: it is never cut, however long.
    if camera.stable_name:
        yield f"    {printable(camera.stable_name)}"
    if camera.problem:
        yield from _wrapped(camera.problem, "    ")
    for pixel_format in camera.formats:
        yield from _format(pixel_format)
    if camera.kind == "capture" and not camera.readable:
        yield "    raw sensor data, not read as it is; give the pipeline that makes pictures of it:"
        yield '      --camera "gst:nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx"'
    for holder in camera.holders:
        yield f"    held by {holder.command} (process {holder.pid})"


def _format(pixel_format: CameraFormat) -> list[str]:
    """Sizes that share their rates stand together: 'MJPG  1920x1080 1280x720 at 30 15 Hz'."""
    rates: dict[str, list[str]] = {}
    for mode in pixel_format.modes:
        rates.setdefault(f"{mode.width}x{mode.height}", []).append(f"{mode.rate_hz:.4g}" if mode.rate_hz else "?")
    sizes: dict[str, list[str]] = {}
    for size, listed in rates.items():
        sizes.setdefault(" ".join(listed), []).append(size)
    rate = "at {} Hz".replace(" ", _GLUE)
    text = "; ".join(f"{' '.join(which)} {rate.format(hz.replace(' ', _GLUE))}" for hz, which in sizes.items())
    return _wrapped(f"{printable(pixel_format.fourcc):<5} {text}", "    ", " " * 10)


def microphone_lines(microphones: Sequence[MicrophoneInfo], problem: str | None) -> list[str]:
    """A line a microphone, the default one marked."""
    lines = ["microphones"]
    for microphone in microphones:
        channels = "1 channel" if microphone.channels == 1 else f"{microphone.channels} channels"
        facts = f"{microphone.rate_hz} Hz, {channels}, {microphone.host_api}" + ", default" * microphone.default
        lines += [f"  {microphone.index:<3} {cut(microphone.name, _WIDTH - 6)}", f"      {printable(facts)}"]
    if problem:
        lines += _wrapped(problem, "  ")
    elif not microphones:
        lines += _wrapped("none found; plug one in, and see that the sound server runs: pactl info", "  ")
    return lines


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    lines = textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  " if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines]
