"""The protocol of one live sensor, a camera or a microphone, each read by a capture process of its own."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from edge.contract import AudioBlock, Frame


class SensorFacts(NamedTuple):
    """What is known about an open sensor; counters since `open`."""

    device: str
    """Stable name for people, and the key under which an audio-video offset is stored."""
    format: str
    """As read back from the device: 'MJPG 1280x720 @ 30 Hz', '48000 Hz, 2 channels'."""
    clock: str
    """Where the times come from: 'kernel', 'sender', 'arrival' or 'sample count'."""
    delivered: int = 0
    """Camera frames, or samples at the native rate, that the device delivered."""
    corrupt: int = 0
    """Frames or blocks that could not be decoded."""
    lost: int = 0
    """Frames (by sequence or time) or native samples (by count against the clock) that never came."""
    dropped: int = 0
    """Frames that came but were old already, because this process was too slow to take them."""
    rate_hz: float = 0.0
    """Measured rate of frames or native samples."""
    drift_ppm: float | None = None
    """The sensor's clock against the monotonic clock, positive when it runs fast; None while not known."""
    age_ms: float = 0.0
    """From the newest frame's or sample's sensor time to its arrival here."""


class Sensor(Protocol):
    """A camera gives grid frames, a microphone mono blocks at the contract's rate, both on the axis of stream time.

    One thread opens, reads and closes. Raises SourceError when the device cannot be used as asked (never will), and
    DeviceLostError when it is not there or went away (try again later).
    """

    def open(self, origin_ns: int) -> None:
        """Open the device; `origin_ns` is the monotonic time of stream time 0, and may lie in the past."""

    def read(self, timeout_s: float) -> tuple[Frame, ...] | tuple[AudioBlock, ...]:
        """What arrived, in time order; empty when nothing did within `timeout_s` (a V4L2 read may hang beyond it)."""

    def facts(self) -> SensorFacts:
        """State of the open sensor; cheap."""

    def close(self) -> None:
        """Release the device; may be called more than once."""
