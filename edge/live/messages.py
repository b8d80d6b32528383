"""What the processes of a live run tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.contract import Modality, RunResult, Snapshot
from edge.live.memory import SharedRings
from edge.sensor_status import SensorState
from edge.sources.sensor import SensorFacts


@dataclass(frozen=True)
class SensorSetup:
    """main -> sensor process: what to open, and where to put what it gives."""

    modality: Modality
    factory: str
    """'module:function' that makes the Sensor."""
    arguments: tuple[Any, ...]
    origin_ns: int
    rings: SharedRings
    announcements_fd: int


@dataclass(frozen=True)
class SensorReport:
    """sensor process -> main, ten times a second: it is alive, and this is how it is."""

    state: SensorState
    reason: str
    opening: bool
    """The device is being opened, which may take its time."""
    opens: int
    """Times that the device was opened by this process."""
    facts: SensorFacts | None
    age_ms: tuple[float, float, float] | None
    """p50, p95, p99 of the age on arrival in the ring, since this process started."""


@dataclass(frozen=True)
class SensorRefused:
    """sensor process -> main: the device will never do what was asked (a SourceError); the process ends."""

    reason: str


@dataclass(frozen=True)
class InferenceSetup:
    """main -> inference: what to load, and where the sensors put their data."""

    bundle: Path
    precision: str
    backend: str
    threads: int
    title: str
    jsonl: Path | None
    origin_ns: int
    rings: SharedRings
    announcements_fd: int
    absent: frozenset[Modality]
    """Sensors that this run does without."""
    moments: Path
    """Folder for the moments that the user flags."""
    record: Path | None
    """Folder of the rolling recording; None: nothing is recorded."""


@dataclass(frozen=True)
class View:
    """inference -> main, ten times a second: what to show, without the picture, which lies in the shared ring."""

    snapshot: Snapshot
    next_tick: int
    """The ring's progress that belongs to it."""


@dataclass(frozen=True)
class Finished:
    """inference -> main: the run ended as it was asked to."""

    result: RunResult
    problem: str | None
    """What went wrong on the way without ending the run: results that could not be written."""


@dataclass(frozen=True)
class Failed:
    """inference -> main: an error ended the run."""

    message: str
    exit_code: int


@dataclass(frozen=True)
class Stop:
    """main -> every process: close what is open, and end."""


@dataclass(frozen=True)
class Mask:
    """main -> inference: keep these modalities from the model."""

    modalities: frozenset[Modality]


@dataclass(frozen=True)
class Threshold:
    """main -> inference: open segments at this probability."""

    on: float


@dataclass(frozen=True)
class Flag:
    """main -> inference: save the moment that just passed."""


@dataclass(frozen=True)
class SoundDelay:
    """main -> inference: on the axis of time, the sound of a moment lies this much later than its picture."""

    ms: float


@dataclass(frozen=True)
class Note:
    """main -> inference: something to put on record."""

    text: str
