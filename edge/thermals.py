"""Temperatures, trip points and throttling of this machine, from /sys/class/thermal and /sys/class/hwmon.

Source: Documentation/driver-api/thermal/sysfs-api.rst of the Linux kernel; `soctherm_oc` is NVIDIA's driver of
over-current events.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.sysfs import matching, read_int, read_text

_THROTTLE_TRIPS = ("passive", "hot", "critical")
"""Kinds of trip points, the first that a zone has is where its hardware gets slower (or stops)."""

_SLOWING = ("cpufreq", "devfreq", "processor", "throttle")
"""Words in the type of cooling devices that make the machine slower; fans and lamps do not."""

_PLAUSIBLE_C = (-40.0, 150.0)
"""Sensors whose domain sleeps report nonsense such as -256."""


@dataclass(frozen=True)
class Zone:
    """One thermal zone."""

    name: str
    temperature: Path
    """File with millidegrees Celsius."""
    trip_c: float | None
    """Where throttling begins; None when the zone has no trip point."""

    def celsius(self) -> float | None:
        milli = read_int(self.temperature)
        if milli is None or not _PLAUSIBLE_C[0] < milli / 1000 < _PLAUSIBLE_C[1]:
            return None
        return milli / 1000


def zones(root: Path) -> list[Zone]:
    """All thermal zones; the kernel's names without '-thermal' and '-therm', made unique with their numbers."""
    found: dict[str, Zone] = {}
    for folder in matching(root / "sys/class/thermal", "thermal_zone*"):
        name = read_text(folder / "type") or folder.name
        name = name.removesuffix("-thermal").removesuffix("-therm")
        if name in found:
            name = f"{name} {folder.name.removeprefix('thermal_zone')}"
        found[name] = Zone(name, folder / "temp", _trip_c(folder))
    return list(found.values())


def _trip_c(folder: Path) -> float | None:
    by_kind: dict[str, float] = {}
    for kind_file in matching(folder, "trip_point_*_type"):
        kind, milli = read_text(kind_file), read_int(folder / kind_file.name.replace("_type", "_temp"))
        # Firmware writes 0 or less where a trip is switched off.
        if kind is not None and milli is not None and milli > 0:
            by_kind[kind] = min(milli / 1000, by_kind.get(kind, milli / 1000))
    return next((by_kind[kind] for kind in _THROTTLE_TRIPS if kind in by_kind), None)


class ThrottleWatch:
    """What holds the machine back right now, in words: slowed clocks, over-current events since the last look."""

    def __init__(self, root: Path) -> None:
        self._coolers = [
            (name, folder / "cur_state")
            for folder in matching(root / "sys/class/thermal", "cooling_device*")
            if (name := read_text(folder / "type")) and any(word in name.lower() for word in _SLOWING)
        ]
        self._counters = [
            *(
                (f"over-current event {file.name.removesuffix('_event_cnt')}", file)
                for hwmon in matching(root / "sys/class/hwmon", "hwmon*")
                if read_text(hwmon / "name") == "soctherm_oc"
                for file in matching(hwmon, "oc*_event_cnt")
            ),
            *(
                ("processor too hot", file)
                for file in matching(root / "sys/devices/system/cpu/cpu0/thermal_throttle", "package_throttle_count")
            ),
        ]
        self._counts = [read_int(file) for _, file in self._counters]

    def read(self, alarms: list[tuple[str, Path]]) -> str | None:
        """Reasons, most severe first, joined by '; '; None when nothing holds the machine back.

        alarms: (rail, file that holds 1 while its limit is exceeded).
        """
        reasons = []
        for index, (what, file) in enumerate(self._counters):
            before, now = self._counts[index], read_int(file)
            self._counts[index] = now
            if before is not None and now is not None and now > before:
                reasons.append(what)
        reasons += sorted({f"{rail} above its limit" for rail, file in alarms if read_int(file) == 1})
        slowed = sorted({name for name, state in self._coolers if (read_int(state) or 0) > 0})
        if slowed:
            reasons.append(f"slowed: {', '.join(slowed)}")
        return "; ".join(reasons) or None
