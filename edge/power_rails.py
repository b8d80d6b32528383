"""Electric power by rail: the INA3221 and INA238 monitors of a Jetson, and RAPL's energy counters of an x86 processor.

Sources: Documentation/hwmon/ina3221.rst and ina238.rst, Documentation/power/powercap/powercap.rst of the Linux kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock
from edge.sysfs import matching, read_int, read_text

INPUT_RAILS = ("VIN", "VDD_IN", "POM_5V_IN")
"""Rails that carry all that the board takes in, the outermost first: then nothing is summed."""

SUMMED_RAILS = (
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),  # AGX Orin; VDDQ_VDD2_1V8AO is fed by VIN_SYS_5V0
    ("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"),  # AGX Thor without its INA238
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),  # AGX Xavier
)
"""Boards that have no input rail: these ones lie side by side, so that their sum is the module's power."""

_SHORTEST_NS = 50_000_000
"""Energy counters step once a millisecond: over less than this their mean is noise."""


@dataclass(frozen=True)
class MonitorRail:
    """One channel of a power monitor: its voltage times its current, or the power that the chip works out itself."""

    name: str
    voltage_mv: Path | None
    current_ma: Path | None
    power_uw: Path | None
    alarms: tuple[Path, ...]
    """Files that hold 1 while the rail's current is above a limit."""

    def milliwatts(self) -> int | None:
        if self.power_uw is not None:
            microwatts = read_int(self.power_uw)
            return None if microwatts is None else round(microwatts / 1000)
        if self.voltage_mv is None or self.current_ma is None:
            return None
        millivolts, milliamperes = read_int(self.voltage_mv), read_int(self.current_ma)
        return None if millivolts is None or milliamperes is None else round(millivolts * milliamperes / 1000)


def monitor_rails(root: Path) -> list[MonitorRail]:
    """The rails of every power monitor under `root`; hwmon numbers change from boot to boot and mean nothing."""
    rails = []
    for hwmon in matching(root / "sys/class/hwmon", "hwmon*"):
        chip = read_text(hwmon / "name")
        if chip == "ina3221":
            rails += [rail for number in (1, 2, 3) if (rail := _channel(hwmon, number)) is not None]
        elif chip == "ina238":
            # One shunt at the board's input, before everything else (AGX Thor).
            alarms = (hwmon / "power1_max_alarm", hwmon / "in1_min_alarm")
            rails.append(MonitorRail("VIN", None, None, hwmon / "power1_input", alarms))
    return rails


def _channel(hwmon: Path, number: int) -> MonitorRail | None:
    name = read_text(hwmon / f"in{number}_label")
    if not name or name == "NC" or read_int(hwmon / f"in{number}_enable") == 0:
        return None
    return MonitorRail(
        name,
        voltage_mv=hwmon / f"in{number}_input",
        current_ma=hwmon / f"curr{number}_input",
        power_uw=None,
        alarms=(hwmon / f"curr{number}_crit_alarm", hwmon / f"curr{number}_max_alarm"),
    )


class EnergyRail:
    """One energy counter of RAPL; its power is the mean since the reading before, so the first reading gives None."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._range_uj = read_int(folder / "max_energy_range_uj") or 0
        self._last: tuple[int, int] | None = None
        self.name = read_text(folder / "name") or folder.name

    def milliwatts(self) -> int | None:
        energy_uj, now_ns = read_int(self._folder / "energy_uj"), self._clock.monotonic_ns()
        if energy_uj is None:
            return None
        if self._last is not None and now_ns - self._last[1] < _SHORTEST_NS:
            return None
        before, self._last = self._last, (energy_uj, now_ns)
        if before is None:
            return None
        used_uj = energy_uj - before[0]
        if used_uj < 0:  # the counter wrapped
            used_uj += self._range_uj
        return round(used_uj * 1_000_000 / (now_ns - before[1])) if used_uj >= 0 else None


def energy_rails(root: Path, clock: Clock) -> list[EnergyRail]:
    """RAPL's packages and platform ('package-0', 'psys'); parts of a package would count twice and are left out."""
    folders = matching(root / "sys/class/powercap", "intel-rapl:*")
    return [EnergyRail(folder, clock) for folder in folders if folder.name.count(":") == 1]


def total_of(milliwatts: dict[str, int]) -> tuple[int, str] | None:
    """The power of the whole board in mW and, in words, what it is; None when the rails do not tell."""
    for name in INPUT_RAILS:
        if name in milliwatts:
            return milliwatts[name], name
    for names in SUMMED_RAILS:
        if all(name in milliwatts for name in names):
            return sum(milliwatts[name] for name in names), f"sum of {', '.join(names)}"
    if "psys" in milliwatts:
        return milliwatts["psys"], "psys (RAPL)"
    packages = [mw for name, mw in milliwatts.items() if name.startswith("package-")]
    return (sum(packages), "processor packages only (RAPL)") if packages else None
