"""A camera and a microphone that play a clip again and again by the clock, each in a process of a live run."""

from __future__ import annotations

import time
from pathlib import Path

from edge.bench.looped_source import Recording
from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.sources.sensor import SensorFacts

RECORDING_S = 8.0
BLOCK_SAMPLES = 160


class ClipCamera:
    """Frames at the contract's rate; a `Sensor`."""

    def __init__(self, clip: Path, spec: WindowSpec) -> None:
        self._recording = Recording(clip, spec, RECORDING_S)
        self._spec = spec
        self._tick = 0

    def open(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._tick = (time.monotonic_ns() - origin_ns) * self._spec.frame_rate_hz // NS_PER_S + 1

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        due_ns = self._spec.tick_ns(self._tick)
        if not _wait(self._origin_ns + due_ns, timeout_s):
            return ()
        frame = Frame(self._tick, due_ns, self._recording.frames[self._tick % self._recording.ticks])
        self._tick += 1
        return (frame,)

    def facts(self) -> SensorFacts:
        return SensorFacts(self._recording.title, f"clip @ {self._spec.frame_rate_hz} Hz", "kernel", self._tick)

    def close(self) -> None:
        """Nothing to release."""


class ClipMicrophone:
    """A hundred blocks a second; a `Sensor`. The clip must have sound."""

    def __init__(self, clip: Path, spec: WindowSpec) -> None:
        self._recording = Recording(clip, spec, RECORDING_S)
        self._rate_hz = spec.audio_rate_hz
        self._sample = 0

    def open(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        now = (time.monotonic_ns() - origin_ns) * self._rate_hz // NS_PER_S
        self._sample = (now // BLOCK_SAMPLES + 1) * BLOCK_SAMPLES

    def read(self, timeout_s: float) -> tuple[AudioBlock, ...]:
        end = self._sample + BLOCK_SAMPLES
        if not _wait(self._origin_ns + end * NS_PER_S // self._rate_hz, timeout_s):
            return ()
        sound = self._recording.sound
        assert sound is not None
        # The seam of the loop is left out, so that every block is whole.
        at = self._sample % (len(sound) - BLOCK_SAMPLES)
        block, self._sample = AudioBlock(self._sample, sound[at : at + BLOCK_SAMPLES]), end
        return (block,)

    def facts(self) -> SensorFacts:
        return SensorFacts(self._recording.title, f"clip @ {self._rate_hz} Hz", "sample count", self._sample)

    def close(self) -> None:
        """Nothing to release."""


def _wait(t_ns: int, timeout_s: float) -> bool:
    """Until monotonic time `t_ns`, at most `timeout_s`; whether it came."""
    left_s = (t_ns - time.monotonic_ns()) / NS_PER_S
    time.sleep(min(max(0.0, left_s), timeout_s))
    return left_s <= timeout_s
