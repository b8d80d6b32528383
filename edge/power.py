"""Power, heat and throttling of the machine that egoact runs on, read from files of the kernel once a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock
from edge.power_rails import EnergyRail, MonitorRail, energy_rails, monitor_rails, total_of
from edge.thermals import ThrottleWatch, zones


@dataclass(frozen=True)
class PowerReading:
    """One look at the machine; what it cannot tell is missing from the mappings, or None."""

    milliwatts: dict[str, int]
    """Rail -> mW."""
    total_mw: int | None
    """Power of the whole board, as far as its rails tell."""
    total_is: str | None
    """What the total is: the rail's name, 'sum of ...', 'processor packages only (RAPL)'."""
    temperatures_c: dict[str, float]
    """Thermal zone -> degrees Celsius."""
    trips_c: dict[str, float]
    """Thermal zone -> where it begins to throttle, for zones that have a trip point."""
    throttling: str | None
    """What holds the machine back, in words; None when nothing does, or nothing is known."""


class PowerReader:
    """Finds the sensors once, then reads them as often as asked. Never raises: what is absent is not in the reading.

    `root` is where /sys lies; tests give a tree of their own.
    """

    def __init__(self, root: str | Path = "/", clock: Clock | None = None) -> None:
        root = Path(root)
        self._monitors = monitor_rails(root)
        # RAPL sees the processor only: a board with monitors is measured by them alone.
        self._energies = [] if self._monitors else energy_rails(root, clock or Clock())
        self._alarms = [(rail.name, file) for rail in self._monitors for file in rail.alarms]
        self._zones = zones(root)
        self._trips_c = {zone.name: zone.trip_c for zone in self._zones if zone.trip_c is not None}
        self._throttle = ThrottleWatch(root)
        self.read()  # power from energy counters, and events, are what happened since the reading before

    def read(self) -> PowerReading:
        """Now; takes about one millisecond."""
        rails: list[MonitorRail | EnergyRail] = [*self._monitors, *self._energies]
        milliwatts = {rail.name: mw for rail in rails if (mw := rail.milliwatts()) is not None}
        total = total_of(milliwatts)
        return PowerReading(
            milliwatts=milliwatts,
            total_mw=total and total[0],
            total_is=total and total[1],
            temperatures_c={zone.name: c for zone in self._zones if (c := zone.celsius()) is not None},
            trips_c=dict(self._trips_c),
            throttling=self._throttle.read(self._alarms),
        )
