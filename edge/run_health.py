"""How a run is doing: counters, latencies, heat, power, and what its recording does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Telemetry:
    """Counters and latencies so far."""

    captured_frames: int = 0
    used_frames: int = 0
    dropped_frames: int = 0
    rows: int = 0
    frame_rate_hz: float = 0.0
    label_age_ms: tuple[float, float, float] | None = None
    """p50, p95, p99; None when not replaying at real pace."""
    stage_ms: dict[str, float] | None = None
    """Median of each stage over the last rows."""
    memory_mb: float = 0.0
    engines: tuple[str, ...] = ()
    """One line an engine: name, back end, precision."""
    skipped_rows: int = 0
    """Rows that a live run left out because inference was busy."""
    segments: int = 0
    """Segments closed so far."""
    hop_factor: int = 1
    """Hops that a live run advances by from one row to the next."""
    hop_reason: str | None = None
    """Why that is more than one: too hot, or too slow."""
    heat: tuple[str, float, float | None] | None = None
    """The zone nearest to throttling, else the hottest: name, degrees Celsius, where it throttles (None: not known)."""
    power_w: float | None = None
    """Of the whole board, as far as it tells."""


@dataclass(frozen=True)
class Recording:
    """What a rolling recording does."""

    writing: bool
    """False while there is no room."""
    dropped: int
    """Frames and blocks of sound that it lost."""
