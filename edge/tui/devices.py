"""The page of the devices: all that is known of camera and microphone."""

from __future__ import annotations

from edge.contract import Snapshot
from edge.sensor_status import SENSOR_NAMES, SensorStatus
from edge.text import cut
from edge.tui.lines import Line
from edge.tui.sensors import STATE_COLOURS
from edge.tui.style import BAD, FAIR, GOOD, SOFT, STRONG

_NAME_CELLS = 12
_DRIFT_FAIR_PPM = 200.0


def device_lines(snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """A block a sensor; a replayed clip has none."""
    if not snapshot.sensors:
        return [[(cut("no devices: a recorded clip", width), SOFT)], [(cut(snapshot.title, width), "")]]
    lines: list[Line] = []
    for sensor in snapshot.sensors:
        lines += [*_block(sensor, snapshot, width), []]
    roomy = len(lines) + 1 <= height
    return [*lines, [(cut("egoact devices lists all cameras and microphones", width), SOFT)]] if roomy else lines[:-1]


def _block(sensor: SensorStatus, snapshot: Snapshot, width: int) -> list[Line]:
    room = width - _NAME_CELLS
    video = sensor.modality == "video"
    said = f" {sensor.reason}" if sensor.reason else ""
    muted = ", kept from the model" if sensor.modality in snapshot.masked else ""
    rate = f"{sensor.rate_hz:.2f} Hz" if video else f"{sensor.rate_hz / 1000:.3f} kHz"
    what = "frames" if video else "samples"
    counted: Line = [
        (f"{sensor.delivered} {what}, ", ""),
        (f"{sensor.lost} lost", FAIR if sensor.lost else GOOD),
        (", ", ""),
        (f"{sensor.corrupt} corrupt", FAIR if sensor.corrupt else GOOD),
        (", ", ""),
        (f"{sensor.restarts} restarts", FAIR if sensor.restarts else GOOD),
    ]
    lines: list[Line] = [
        [
            (SENSOR_NAMES[sensor.modality].ljust(_NAME_CELLS), STRONG),
            (sensor.state, f"bold {STATE_COLOURS[sensor.state]}"),
            (cut(said + muted, max(0, room - len(sensor.state))), FAIR if muted else ""),
        ],
        [_name("device"), (cut(sensor.device, room), "")],
        [_name("format"), (cut(sensor.format or "-", room), "")],
        [_name("rate"), (rate, "")],
        [_name("delivered"), *counted],
    ]
    if sensor.drift_ppm is not None:
        colour = GOOD if abs(sensor.drift_ppm) < _DRIFT_FAIR_PPM else BAD
        lines.append([_name("drift"), (f"{sensor.drift_ppm:+.1f} ppm", colour), (" against the system's clock", SOFT)])
    if sensor.age_ms is not None:
        p50, p95, p99 = sensor.age_ms
        lines.append([_name("age"), (f"{p50:.1f} / {p95:.1f} / {p99:.1f} ms", ""), (" from sensor to ring", SOFT)])
    return lines


def _name(text: str) -> tuple[str, str]:
    return text.ljust(_NAME_CELLS), SOFT
