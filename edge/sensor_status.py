"""What the watchdog knows about a camera or a microphone of a live run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Modality = Literal["video", "audio"]
SENSOR_NAMES: dict[Modality, str] = {"video": "camera", "audio": "microphone"}
SensorState = Literal["off", "starting", "running", "stalled", "lost"]


@dataclass(frozen=True)
class SensorStatus:
    """A live sensor as its watchdog sees it; counters over the whole run, through every restart."""

    modality: Modality
    device: str
    """Stable name for people; what was asked for until the device was open."""
    state: SensorState
    reason: str = ""
    """Why it is not running, in plain words."""
    format: str = ""
    """As read back from the device."""
    delivered: int = 0
    """Camera frames, or samples at the native rate, that the device delivered."""
    corrupt: int = 0
    lost: int = 0
    """Frames or native samples that never came."""
    restarts: int = 0
    """Times that the device was opened again."""
    rate_hz: float = 0.0
    """Measured rate of frames or native samples."""
    drift_ppm: float | None = None
    """The sensor's clock against the monotonic clock; None while not known."""
    age_ms: tuple[float, float, float] | None = None
    """p50, p95, p99 from the sensor's time to the shared ring."""
