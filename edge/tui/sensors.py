"""One line a sensor of a live run: its state, and its health while it runs."""

from __future__ import annotations

from edge.sensor_status import SensorState, SensorStatus
from edge.text import cut
from edge.tui.lines import Line
from edge.tui.style import BAD, FAIR, GOOD, SOFT

STATE_COLOURS: dict[SensorState, str] = {"running": GOOD, "starting": FAIR, "stalled": BAD, "lost": BAD, "off": SOFT}
_NAMES = {"video": "camera", "audio": "mic"}
_NAME_CELLS = 8


def sensor_line(sensor: SensorStatus, width: int) -> Line:
    """State and rate first, what was lost next, the device's name last, so that a narrow panel loses the least."""
    said = _health(sensor) if sensor.state == "running" else f" {sensor.reason}" if sensor.reason else ""
    room = width - _NAME_CELLS - len(sensor.state)
    return [
        (_NAMES[sensor.modality].ljust(_NAME_CELLS), SOFT),
        (sensor.state, STATE_COLOURS[sensor.state]),
        (cut(said, room), ""),
    ]


def _health(sensor: SensorStatus) -> str:
    parts = [f"{sensor.rate_hz:.1f} Hz" if sensor.modality == "video" else f"{sensor.rate_hz / 1000:.2f} kHz"]
    if sensor.lost:
        parts.append(f"{sensor.lost} lost")
    if sensor.corrupt:
        parts.append(f"{sensor.corrupt} corrupt")
    if sensor.restarts:
        parts.append(f"{sensor.restarts} restarts")
    if sensor.drift_ppm is not None:
        parts.append(f"{sensor.drift_ppm:+.0f} ppm")
    if sensor.age_ms is not None:
        parts.append(f"age {sensor.age_ms[0]:.0f} / {sensor.age_ms[1]:.0f} / {sensor.age_ms[2]:.0f} ms")
    return "  ".join(["", *parts, f"{sensor.format}, {sensor.device}"])
