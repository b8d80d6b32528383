"""The live microphone: sound of a sound card as blocks on the stream's 16 kHz axis.

PortAudio callback -> native ring -> mono -> time of each block, losses -> stretch to the monotonic clock -> 16 kHz
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.preprocess import mono_float32
from edge.sources.live_sound import LiveSound
from edge.sources.native_noise import caught_noise
from edge.sources.native_ring import NativeRing
from edge.sources.portaudio import Format, find_microphone, rescan, usable_format
from edge.sources.sample_clock import SampleClock
from edge.sources.sensor import SensorFacts
from edge.text import printable

BLOCK_S = 0.01
"""Length of a callback's block. It is never left to PortAudio (0): PulseAudio would deliver 1 to 33 samples a time."""

LATENCY_S = 0.1
"""The device's buffer: how long the callback may be kept waiting before a sound card loses samples. PulseAudio delivers
in bursts of a fifth of it."""

RING_S = 8.0
"""How long nobody may read before sound is lost."""

OPEN_TIMEOUT_S = 5.0
"""Time that a device has to deliver its first block; sound servers wake up slowly."""

LOST_TIMEOUT_S = 0.8
"""A device that delivers nothing for this long went away."""

SLICE_S = 0.005
"""How often a waiting read looks into the ring."""

STALL_S = 0.25
"""A wait that took this long says that this process was stopped, which is no fault of the device."""

SILENT_S = 2.0
"""Nothing but exact zeros for this long: a muted microphone; every real one has noise."""


class Microphone:
    """A `Sensor` (edge/sources/sensor.py) that gives `AudioBlock`s; see there for what its methods promise.

    `device` is 'default', PortAudio's index, the name, or a part of it. Only one may be open in a process: opening asks
    PortAudio to look for devices again. Blocks of one read follow each other without a gap unless sound was lost.

    `rate_hz` is the device's own rate, which cannot be seen through a sound server: without it 48 kHz is tried first,
    and a server that must resample to it delays sound by 10 ms that nobody sees (`egoact calibrate-av` does).
    """

    def __init__(self, device: str, spec: WindowSpec, rate_hz: int | None = None) -> None:
        self._wanted = device
        self._spec = spec
        self._rate_hz = rate_hz
        self._name = device
        self._stream: Any = None
        self._finished = False

    def open(self, origin_ns: int) -> None:
        portaudio = rescan()
        info = find_microphone(portaudio, self._wanted)
        self._name = str(info["name"])
        with caught_noise() as noise:
            chosen = usable_format(portaudio, info, self._rate_hz)
        if chosen is None:
            raise DeviceLostError(
                f"microphone '{self._shown}' cannot be opened (used by another program?): "
                f"{printable(noise.last_line()) or 'it takes no format'}; 'egoact devices' lists the microphones"
            )
        self._begin(chosen, origin_ns)
        try:
            with caught_noise():
                self._stream = portaudio.InputStream(
                    device=info["index"],
                    samplerate=chosen.rate_hz,
                    channels=chosen.channels,
                    dtype="float32",
                    blocksize=round(BLOCK_S * chosen.rate_hz),
                    latency=LATENCY_S,
                    callback=self._callback,
                    finished_callback=self._on_finished,
                )
                self._stream.start()
        except portaudio.PortAudioError as error:
            self.close()
            raise DeviceLostError(f"microphone '{self._shown}' cannot be opened: {printable(str(error))}") from error
        self._wait_for_first_block()

    def _begin(self, chosen: Format, origin_ns: int) -> None:
        """Everything that belongs to one opening of the device, allocated once."""
        self._format = chosen
        self._finished = False
        self._ring = NativeRing(round(RING_S * chosen.rate_hz), chosen.channels)
        self._clock = SampleClock(chosen.rate_hz)
        self._sound = LiveSound(chosen.rate_hz, self._spec.audio_rate_hz, origin_ns)
        self._zeros = 0
        self._next_native = 0
        self._overrun_samples = 0
        self._quiet_s = 0.0

    def _wait_for_first_block(self) -> None:
        deadline_s = time.monotonic() + OPEN_TIMEOUT_S
        while not self._ring.blocks:
            if self._finished or time.monotonic() > deadline_s:
                self.close()
                raise DeviceLostError(f"microphone '{self._shown}' opens but delivers no sound")
            time.sleep(SLICE_S)

    def _callback(self, samples: NDArray[np.float32], count: int, times: Any, flags: Any) -> None:
        self._ring.write(samples)

    def _on_finished(self) -> None:
        self._finished = True

    def read(self, timeout_s: float) -> tuple[AudioBlock, ...]:
        if self._stream is None:
            raise SourceError(f"microphone '{self._shown}' is not open")
        blocks: list[AudioBlock] = []
        deadline_s = time.monotonic() + timeout_s
        while not blocks:
            blocks = self._drain()
            if blocks or time.monotonic() >= deadline_s:
                break
            self._wait_a_slice()
        return tuple(blocks)

    def _wait_a_slice(self) -> None:
        """Sleep a little; raises DeviceLostError when the device stopped or has been quiet for too long."""
        if self._finished:
            raise DeviceLostError(f"microphone '{self._shown}' stopped: unplugged, or its sound server ended")
        before_s = time.monotonic()
        time.sleep(SLICE_S)
        waited_s = time.monotonic() - before_s
        # Only time in which this process ran counts: after a stall of ours the sound is about to come.
        self._quiet_s += waited_s if waited_s < STALL_S else 0.0
        if self._quiet_s > LOST_TIMEOUT_S:
            raise DeviceLostError(f"microphone '{self._shown}' delivers no more sound")

    def _drain(self) -> list[AudioBlock]:
        """Everything that the callback left in the ring, placed on the axis as far as its time is known."""
        placed: list[AudioBlock] = []
        for block in self._ring.take():
            self._quiet_s = 0.0
            self._overrun_samples += block.start - self._next_native
            self._next_native = block.start + len(block.samples)
            mono = mono_float32(block.samples)
            self._zeros = 0 if mono.any() else self._zeros + len(mono)
            for timed in self._clock.push(block.start, mono, block.arrival_ns):
                placed += self._sound.push(timed)
        return placed

    @property
    def _shown(self) -> str:
        return printable(self._name)

    def facts(self) -> SensorFacts:
        if self._stream is None:
            return SensorFacts(self._name, "closed", "sample count")
        rate_hz, channels = self._format
        silent = "; silent (muted?)" if self._zeros >= SILENT_S * rate_hz else ""
        drift = self._clock.drift
        return SensorFacts(
            device=self._name,
            format=f"{rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}{silent}",
            clock="sample count",
            delivered=self._ring.total_samples,
            lost=self._clock.lost_samples + self._overrun_samples,
            rate_hz=rate_hz * (1 + (0.0 if drift is None else drift.ppm * 1e-6)),
            drift_ppm=None if drift is None else drift.ppm,
            age_ms=self._clock.late_ns / 1e6,
        )

    def close(self) -> None:
        """As `Sensor.close`; hangs as long as the sound server does, so that a watchdog must stand by."""
        stream, self._stream = self._stream, None
        if stream is not None:
            # The server may be gone: what abort and close complain about is known already.
            with caught_noise(), suppress(Exception):
                stream.close(ignore_errors=True)
