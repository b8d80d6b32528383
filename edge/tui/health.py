"""When a figure is healthy: the colours of the telemetry."""

from __future__ import annotations

from edge.contract import Telemetry, WindowSpec
from edge.tui.style import BAD, FAIR, GOOD

_SPEC = WindowSpec()


def age_colour(p95_ms: float) -> str:
    """Good below one hop (the next label is not late), bad from two hops on."""
    hop_ms = 1000 * _SPEC.hop_s
    return GOOD if p95_ms < hop_ms else FAIR if p95_ms < 2 * hop_ms else BAD


def drop_colour(telemetry: Telemetry) -> str:
    """Good when no frame was dropped, bad from one frame in twenty on."""
    dropped, captured = telemetry.dropped_frames, telemetry.captured_frames
    return GOOD if not dropped else FAIR if dropped * 20 < captured else BAD


def rate_colour(rate_hz: float) -> str:
    """Good at 95 % of the grid's rate, bad below three quarters of it."""
    share = rate_hz / _SPEC.frame_rate_hz
    return GOOD if share >= 0.95 else FAIR if share >= 0.75 else BAD
