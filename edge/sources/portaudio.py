"""Microphones as PortAudio shows them: the library loaded with its noise caught, devices listed and found by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from edge.errors import DeviceLostError, SourceError
from edge.sources.native_noise import caught_noise
from edge.text import printable

RATES_HZ = (48_000, 44_100, 32_000, 16_000, 96_000, 22_050, 8_000)
"""Tried after the device's own rate. ALSA devices all claim 44100 Hz, so that 48 kHz goes before what they say."""


@dataclass(frozen=True)
class MicrophoneInfo:
    """One input device."""

    name: str
    index: int
    """PortAudio's number; it changes when devices come and go, the name does not."""
    channels: int
    """Most channels that it records."""
    rate_hz: int
    """The rate at which it would be opened."""
    host_api: str
    """'ALSA', 'JACK Audio Connection Kit', ..."""
    default: bool


class Format(NamedTuple):
    """How a device is opened."""

    rate_hz: int
    channels: int


def load_portaudio() -> Any:
    """The module sounddevice, loaded on the first call.

    Raises:
        SourceError: it or the PortAudio library is not installed.
    """
    try:
        with caught_noise():
            import sounddevice
    except ModuleNotFoundError as error:
        raise SourceError(f"{error.name} is not installed, which microphones need: pip install sounddevice") from error
    except OSError as error:
        raise SourceError(
            "the PortAudio library is not installed, which microphones need: sudo apt-get install libportaudio2"
        ) from error
    return sounddevice


def rescan() -> Any:
    """PortAudio, started anew: it looks for devices only when it starts. No stream may be open in this process."""
    portaudio = load_portaudio()
    with caught_noise():
        portaudio._terminate()
        portaudio._initialize()
    return portaudio


def list_microphones() -> tuple[MicrophoneInfo, ...]:
    """Every device that records, in PortAudio's order; empty when there is none. No stream may be open.

    Raises:
        SourceError: PortAudio is not installed.
    """
    portaudio = rescan()
    default = default_index(portaudio)
    apis = portaudio.query_hostapis()
    found = []
    for device in portaudio.query_devices():
        if device["max_input_channels"] > 0:
            with caught_noise():
                usable = usable_format(portaudio, device)
            found.append(
                MicrophoneInfo(
                    name=device["name"],
                    index=device["index"],
                    channels=device["max_input_channels"],
                    rate_hz=round(device["default_samplerate"]) if usable is None else usable.rate_hz,
                    host_api=apis[device["hostapi"]]["name"],
                    default=device["index"] == default,
                )
            )
    return tuple(found)


def default_index(portaudio: Any) -> int:
    """Index of the default input device; -1 when there is none."""
    try:
        return int(portaudio.query_devices(kind="input")["index"])
    except portaudio.PortAudioError:
        return -1


def find_microphone(portaudio: Any, wanted: str) -> dict[str, Any]:
    """The one input device that `wanted` means: 'default', an index, its name, or a part of its name.

    Raises:
        DeviceLostError: there is none (now).
        SourceError: there are several.
    """
    inputs = [device for device in portaudio.query_devices() if device["max_input_channels"] > 0]
    if wanted == "default":
        matches = [device for device in inputs if device["index"] == default_index(portaudio)]
    elif re.fullmatch("[0-9]+", wanted):
        matches = [device for device in inputs if device["index"] == int(wanted)]
    else:
        named = [device for device in inputs if device["name"].lower() == wanted.lower()]
        matches = named or [device for device in inputs if wanted.lower() in device["name"].lower()]
    shown = printable(wanted)
    if not matches:
        # A sound card that another program holds has no inputs for PortAudio, which opens each to see what it can.
        raise DeviceLostError(
            f"microphone '{shown}': not found, or used by another program; 'egoact devices' lists the microphones"
        )
    if len(matches) > 1:
        names = ", ".join(f"{device['index']}: {printable(device['name'])}" for device in matches[:4])
        raise SourceError(f"microphone '{shown}' may be {names}; give more of the name, or the number")
    match: dict[str, Any] = matches[0]
    return match


def usable_format(portaudio: Any, device: dict[str, Any], rate_hz: int | None = None) -> Format | None:
    """The first format that the device takes, at `rate_hz` if given; None when it takes none (or is busy).

    One channel goes before two, and two before all. Raw ALSA devices convert neither rate nor
    channels, which makes asking the only way to know.
    """
    rates = (
        dict.fromkeys((RATES_HZ[0], round(device["default_samplerate"]), *RATES_HZ)) if rate_hz is None else [rate_hz]
    )
    channels = dict.fromkeys((1, min(2, device["max_input_channels"]), device["max_input_channels"]))
    for rate in rates:
        for count in channels:
            try:
                portaudio.check_input_settings(device["index"], count, "float32", samplerate=rate)
            except (portaudio.PortAudioError, ValueError):
                continue
            return Format(rate, count)
    return None
