"""What kind of Jetson this is, in which power mode, from files that every user may read.

Sources: /etc/nv_tegra_release and nvpmodel as NVIDIA's Jetson Linux Developer Guide describes them; release numbers of
JetPack as NVIDIA's archive lists them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge.sysfs import matching, read_text

_JETPACK = {
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
    "36.4.7": "6.2.1",
    "36.5.0": "6.2.2",
    "36.5.2": "6.2.3",
    "38.2": "7.0",
    "38.4": "7.1",
    "39.2.0": "7.2",
    "39.2.1": "7.2.1",
    "39.2.2": "7.2.2",
}
"""L4T release, or the beginning of it -> JetPack."""

_WATTS = re.compile(r"(\d+)W")
_GPU_NAMES = ("gpu", "ga10b", "gv11b")
"""In the names under /sys/class/devfreq; JetPack 5 names the chip."""


@dataclass(frozen=True)
class PowerModes:
    """The modes of nvpmodel: which one is set, and which one lets the board do most."""

    current: int
    names: dict[int, str]

    @property
    def current_name(self) -> str:
        return self.names.get(self.current, f"mode {self.current}")

    @property
    def fastest(self) -> int | None:
        """The MAXN mode, MAXN_SUPER before MAXN; None where there is none."""
        maxn = {name: number for number, name in self.names.items() if name.upper().startswith("MAXN")}
        return maxn[max(maxn, key=len)] if maxn else None

    @property
    def gentlest(self) -> int | None:
        """The mode that takes the fewest watts by its name ('15W', 'MODE_15W_2CORE'); None where no name says."""
        watts = {number: int(found[1]) for number, name in self.names.items() if (found := _WATTS.search(name.upper()))}
        return min(watts, key=lambda number: watts[number]) if watts else None


def board(root: Path = Path("/")) -> str | None:
    """'NVIDIA Jetson Orin Nano Developer Kit'; None when this is no Jetson."""
    model = read_text(root / "proc/device-tree/model")
    return model if model and l4t(root) else None


def l4t(root: Path = Path("/")) -> str | None:
    """Release of Jetson Linux such as '36.4.3'; None when this is no Jetson."""
    text = read_text(root / "etc/nv_tegra_release") or ""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return f"{found[1]}.{found[2]}" if found else None


def jetpack(release: str) -> str | None:
    """JetPack of an L4T release; None when it is not known here."""
    return next((name for start, name in _JETPACK.items() if f"{release}.".startswith(f"{start}.")), None)


def power_modes(root: Path = Path("/")) -> PowerModes | None:
    """nvpmodel's mode as its service wrote it down; None without nvpmodel."""
    status = re.search(r"pmode:(\d+)", read_text(root / "var/lib/nvpmodel/status") or "")
    if status is None:
        return None
    listed = re.findall(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", read_text(root / "etc/nvpmodel.conf") or "")
    return PowerModes(int(status[1]), {int(number): name for number, name in listed})


def clocks_pinned(root: Path = Path("/")) -> bool | None:
    """Whether processor and GPU run at a fixed clock, as `jetson_clocks` makes them; None when that cannot be read."""
    folders = [
        (folder, "scaling_min_freq", "scaling_max_freq")
        for folder in matching(root / "sys/devices/system/cpu/cpufreq", "policy*")
    ]
    folders += [
        (folder, "min_freq", "max_freq")
        for folder in matching(root / "sys/class/devfreq", "*")
        if any(word in folder.name for word in _GPU_NAMES)
    ]
    limits = [(read_text(folder / low), read_text(folder / high)) for folder, low, high in folders]
    if not limits or any(low is None or high is None for low, high in limits):
        return None
    return all(low == high for low, high in limits)
