"""A camera and a microphone made of arithmetic, for tests of what comes after them; each is made in its own process.

A file in the `control` folder is a fault of the device: "camera-unplugged", "camera-stalled" (open, gives nothing),
"camera-hung" (a read that never returns), "camera-corrupt"; the same with "microphone".
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.sources.sensor import SensorFacts

BLOCK = 160


class _Faulty:
    def __init__(self, name: str, control: Path) -> None:
        self._name = name
        self._control = control

    def present(self) -> None:
        if self.has("unplugged"):
            raise DeviceLostError(f"{self._name} was unplugged; plug it in")

    def has(self, fault: str) -> bool:
        return (self._control / f"{self._name}-{fault}").exists()

    def wait(self, until_ns: int, timeout_s: float) -> bool:
        """False when nothing comes in time."""
        while self.has("hung"):
            time.sleep(0.02)
        wait_s = (until_ns - time.monotonic_ns()) / NS_PER_S
        if self.has("stalled") or wait_s > timeout_s:
            time.sleep(timeout_s)
            return False
        time.sleep(max(0.0, wait_s))
        return True


class SyntheticCamera:
    """Red for `period_s`, then green for as long, and so on, `delay_s` after the time that its frames carry."""

    def __init__(self, spec: WindowSpec, control: Path, period_s: float = 4.0, delay_s: float = 0.0) -> None:
        self._spec = spec
        self._faults = _Faulty("camera", control)
        self._period_s = period_s
        self._delay_ns = int(delay_s * NS_PER_S)
        self._origin_ns = 0
        self._tick = 0
        self._delivered = 0

    def open(self, origin_ns: int) -> None:
        self._faults.present()
        if self._faults.has("refused"):
            raise SourceError("camera gives no pictures at all; use another one")
        self._origin_ns = origin_ns
        self._delivered = 0
        self._tick = (time.monotonic_ns() - origin_ns) * self._spec.frame_rate_hz // NS_PER_S + 1

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        due_ns = self._origin_ns + self._spec.tick_ns(self._tick) + self._delay_ns
        if not self._faults.wait(due_ns, timeout_s):
            return ()
        self._faults.present()
        frame = Frame(self._tick, self._spec.tick_ns(self._tick), picture(self._spec, self._tick, self._period_s))
        self._tick += 1
        self._delivered += 1
        return (frame,)

    def facts(self) -> SensorFacts:
        return SensorFacts("synthetic camera", "RGB 32x32 @ 30 Hz", "kernel", self._delivered, rate_hz=30.0)

    def close(self) -> None:
        """Nothing to release."""


class SyntheticMicrophone:
    """A constant, in blocks of 10 ms."""

    def __init__(self, spec: WindowSpec, control: Path, level: float = 0.001) -> None:
        self._spec = spec
        self._faults = _Faulty("microphone", control)
        self._level = level
        self._origin_ns = 0
        self._sample = 0
        self._delivered = 0

    def open(self, origin_ns: int) -> None:
        self._faults.present()
        if self._faults.has("refused"):
            raise SourceError("PortAudio is not installed; install it")
        self._origin_ns = origin_ns
        self._delivered = 0
        self._sample = (time.monotonic_ns() - origin_ns) * self._spec.audio_rate_hz // NS_PER_S

    def read(self, timeout_s: float) -> tuple[AudioBlock, ...]:
        due_ns = self._origin_ns + (self._sample + BLOCK) * NS_PER_S // self._spec.audio_rate_hz
        if not self._faults.wait(due_ns, timeout_s):
            return ()
        self._faults.present()
        block = AudioBlock(self._sample, np.full(BLOCK, self._level, np.float32))
        self._sample += BLOCK
        self._delivered += BLOCK
        return (block,)

    def facts(self) -> SensorFacts:
        return SensorFacts("synthetic microphone", "16000 Hz, 1 channel", "sample count", self._delivered, rate_hz=16e3)

    def close(self) -> None:
        """Nothing to release."""


def picture(spec: WindowSpec, tick: int, period_s: float) -> np.ndarray:
    """uint8 [S, S, 3], red or green."""
    image = np.zeros((spec.frame_size_px, spec.frame_size_px, 3), np.uint8)
    image[..., int(tick / spec.frame_rate_hz / period_s) % 2] = 255
    return image
