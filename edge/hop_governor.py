"""How often to look: the hop stretches to two or four times its length while the machine is too hot or too slow.

A longer hop costs labels a second and nothing else: every row that is computed is computed as before. Dropping what
cannot be done in time would cost as many labels, at moments that nobody chose, and would not cool anything.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

FACTORS = (1, 2, 4)

HOT_MARGIN_C = {2: 5.0, 4: 2.0}
"""Factor -> degrees below the nearest trip point at which it is needed."""
HEAT_HYSTERESIS_C = 5.0
"""A factor is left when the margin is this much wider than where it began."""

BUSY = {2: 0.9, 4: 1.8}
"""Factor -> inference time in hops at which it is needed."""
BUSY_HYSTERESIS = 0.75
"""A factor is left when inference takes less than this share of where it began."""

SLOW_PATIENCE = 3
"""Updates in a row before slowness counts: one long inference is no slow machine. Heat counts at once."""
CALM_PATIENCE = 10
"""Updates in a row before the hop gets shorter by one step."""


class HopDecision(NamedTuple):
    """What the pipeline should do now."""

    factor: int
    """1, 2 or 4: hops to advance by."""
    reason: str | None
    """Why the factor is not 1, one line for people; None when it is."""


class HopGovernor:
    """Decides the hop factor from what was measured; knows no sensors and no clock. One `update` a second."""

    def __init__(self, hop_s: float) -> None:
        self._hop_s = hop_s
        self._heat = _Ladder(
            rise={factor: -margin for factor, margin in HOT_MARGIN_C.items()},
            fall={factor: -(margin + HEAT_HYSTERESIS_C) for factor, margin in HOT_MARGIN_C.items()},
            patience=1,
        )
        self._load = _Ladder(
            rise=BUSY,
            fall={factor: busy * BUSY_HYSTERESIS for factor, busy in BUSY.items()},
            patience=SLOW_PATIENCE,
        )

    def update(
        self, temperatures_c: Mapping[str, float], trips_c: Mapping[str, float], inference_s: float | None
    ) -> HopDecision:
        """Take the newest measurements.

        Args:
            temperatures_c: thermal zone -> degrees; zones without a trip point say nothing about heat, and when no zone
                says anything the heat is taken to be as before.
            trips_c: thermal zone -> where it begins to throttle.
            inference_s: time that the newest row needed in all engines; None when there was none since the
                last update: then it is taken to be as before.
        """
        margins = {
            zone: trips_c[zone] - celsius
            for zone, celsius in temperatures_c.items()
            if zone in trips_c and math.isfinite(celsius)
        }
        if margins:
            zone = min(margins, key=lambda zone: margins[zone])
            self._heat.update(
                -margins[zone],
                f"{zone} is at {temperatures_c[zone]:.0f} °C, it throttles at {trips_c[zone]:.0f} °C",
            )
        if inference_s is not None:
            self._load.update(
                inference_s / self._hop_s,
                f"a row takes {inference_s * 1000:.0f} ms, the hop is {self._hop_s * 1000:.0f} ms",
            )
        factor = max(self._heat.factor, self._load.factor)
        if factor == 1:
            return HopDecision(1, None)
        return HopDecision(factor, "; ".join(x.reason for x in (self._heat, self._load) if x.factor == factor))


class _Ladder:
    """The factor that one measure asks for. It rises at `rise` after `patience` updates, and falls step by step once
    the measure has been below `fall` for CALM_PATIENCE updates; between the two it stays."""

    def __init__(self, rise: Mapping[int, float], fall: Mapping[int, float], patience: int) -> None:
        self._rise = rise
        self._fall = fall
        self._wanted: deque[int] = deque(maxlen=patience)
        self.factor = 1
        self.reason = ""
        """What the newest measure was, in words."""
        self._calm = 0

    def update(self, severity: float, reason: str) -> None:
        self.reason = reason
        self._wanted.append(max((factor for factor, at in self._rise.items() if severity >= at), default=1))
        if len(self._wanted) == self._wanted.maxlen:
            # The least that was asked for all the time.
            self.factor = max(self.factor, min(self._wanted))
        calm = self.factor > 1 and severity < self._fall[self.factor]
        self._calm = self._calm + 1 if calm else 0
        if self._calm == CALM_PATIENCE:
            self.factor, self._calm = self.factor // 2, 0
