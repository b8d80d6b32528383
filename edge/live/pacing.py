"""Once a second: is the machine too hot or too slow for this hop? What changed is said once."""

from __future__ import annotations

import time
from dataclasses import replace

from edge.contract import Telemetry
from edge.hop_governor import HopGovernor
from edge.live.schedule import LiveSchedule
from edge.pipeline import Pipeline
from edge.power import PowerReader
from edge.telemetry import ENGINE_STAGES

PERIOD_S = 1.0
CALM_PERIODS = 10
"""Seconds without a skipped row after which skipping is news again."""


class Pacing:
    """Moves the schedule's hop factor, and puts on record why."""

    def __init__(self, schedule: LiveSchedule, pipeline: Pipeline, governor: HopGovernor, power: PowerReader) -> None:
        self._schedule = schedule
        self._pipeline = pipeline
        self._governor = governor
        self._power = power
        self._reading = power.read()
        self._reason: str | None = None
        self._next_s = time.monotonic() + PERIOD_S
        self._row = -1
        self._skipped = 0
        self._calm = CALM_PERIODS

    def tick(self) -> None:
        """Does nothing most of the time; call it several times a second."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + PERIOD_S
        self._report_skips()
        reading = self._reading = self._power.read()
        decision = self._governor.update(reading.temperatures_c, reading.trips_c, self._inference_s())
        self._reason = decision.reason
        if decision.factor != self._schedule.hop_factor:
            self._schedule.hop_factor = decision.factor
            self._pipeline.note(
                f"hop stretched to {decision.factor} times: {decision.reason}"
                if decision.reason
                else "hop back to its own length"
            )

    def shown(self, telemetry: Telemetry) -> Telemetry:
        """With heat and power as they were read last, and why the hop is stretched."""
        reading = self._reading
        celsius, trips = reading.temperatures_c, reading.trips_c
        nearest = min((zone for zone in celsius if zone in trips), key=lambda z: trips[z] - celsius[z], default=None)
        hottest = nearest or max(celsius, key=lambda zone: celsius[zone], default=None)
        return replace(
            telemetry,
            hop_reason=self._reason,
            heat=None if hottest is None else (hottest, celsius[hottest], trips.get(hottest)),
            power_w=None if reading.total_mw is None else reading.total_mw / 1000,
        )

    def _inference_s(self) -> float | None:
        """Time that the newest row took in all engines; None when there was none since the last call."""
        newest = self._pipeline.newest
        if newest is None or newest.row_index == self._row:
            return None
        self._row = newest.row_index
        return sum(newest.stage_ms.get(stage, 0.0) for stage in ENGINE_STAGES) / 1000

    def _report_skips(self) -> None:
        before, self._skipped = self._skipped, self._schedule.skipped_rows
        if self._skipped == before:
            self._calm += 1
            return
        if self._calm >= CALM_PERIODS:
            self._pipeline.note("inference is behind: rows are skipped")
        self._calm = 0
