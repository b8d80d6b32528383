"""When a figure is healthy: the colours of the telemetry."""

from __future__ import annotations

from edge.contract import Telemetry, WindowSpec
from edge.hop_governor import HEAT_HYSTERESIS_C, HOT_MARGIN_C
from edge.tui.style import BAD, FAIR, GOOD

_SPEC = WindowSpec()
_WARM_MARGIN_C = 15.0


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


def heat_colour(telemetry: Telemetry) -> str:
    """Bad where the hop stretches, fair a little below; without a trip point nothing is known."""
    margin_c = _margin_c(telemetry)
    if margin_c is None:
        return ""
    return BAD if margin_c <= HOT_MARGIN_C[2] else FAIR if margin_c <= _WARM_MARGIN_C else GOOD


def too_hot(telemetry: Telemetry) -> bool:
    """The hop is stretched, and the machine is as hot as that takes (else it is too slow)."""
    margin_c = _margin_c(telemetry)
    return telemetry.hop_factor > 1 and margin_c is not None and margin_c <= HOT_MARGIN_C[2] + HEAT_HYSTERESIS_C


def _margin_c(telemetry: Telemetry) -> float | None:
    """Degrees below the point at which the hottest zone throttles."""
    if telemetry.heat is None or telemetry.heat[2] is None:
        return None
    return telemetry.heat[2] - telemetry.heat[1]
