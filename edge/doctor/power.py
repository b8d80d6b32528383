"""The board's power mode, clocks, heat and supply."""

from __future__ import annotations

from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.jetson import board, clocks_pinned, jetpack, l4t, power_modes
from edge.power import PowerReader

HOT_MARGIN_C = 10.0


def jetson(host: Host) -> list[Finding]:
    """The JetPack release; nothing elsewhere."""
    release = l4t(host.root)
    if release is None:
        return []
    name = jetpack(release)
    return [
        Finding("board", "ok", board(host.root) or "a Jetson"),
        Finding("JetPack", "ok", f"{name or 'a version unknown here'}, L4T {release}"),
    ]


def power_mode(host: Host) -> list[Finding]:
    """The power mode that is set, against the fastest."""
    modes = power_modes(host.root)
    if modes is None:
        if l4t(host.root) is None:
            return []
        return [
            Finding("power mode", "unknown", "could not be checked: nvpmodel wrote down no mode", "sudo nvpmodel -q")
        ]
    value = modes.current_name
    if modes.fastest is not None and modes.fastest != modes.current:
        value += f"; {modes.names[modes.fastest]} is faster: sudo nvpmodel -m {modes.fastest}"
    return [Finding("power mode", "ok", value)]


def clocks(host: Host) -> list[Finding]:
    """Whether the Jetson's clocks are pinned; nothing elsewhere."""
    if l4t(host.root) is None:
        return []
    pinned = clocks_pinned(host.root)
    if pinned is None:
        return [Finding("clocks", "unknown", "could not be checked: the limits cannot be read")]
    return [
        Finding(
            "clocks", "ok", "pinned (jetson_clocks)" if pinned else "follow the load; for timing: sudo jetson_clocks"
        )
    ]


def heat(host: Host) -> list[Finding]:
    """Temperatures in degrees Celsius, and how far from throttling."""
    reading = PowerReader(host.root).read()
    findings = []
    margins = {
        zone: trip - reading.temperatures_c[zone]
        for zone, trip in reading.trips_c.items()
        if zone in reading.temperatures_c
    }
    if margins:
        zone = min(margins, key=lambda name: margins[name])
        value = f"{zone} {reading.temperatures_c[zone]:.0f} °C, throttles at {reading.trips_c[zone]:.0f} °C"
        hot = margins[zone] < HOT_MARGIN_C
        findings.append(Finding("heat", "warning", value, _gentler(host)) if hot else Finding("heat", "ok", value))
    elif reading.temperatures_c:
        findings.append(Finding("heat", "ok", f"hottest {max(reading.temperatures_c.values()):.0f} °C"))
    if reading.throttling:
        findings.append(Finding("throttling", "warning", reading.throttling, _gentler(host)))
    if reading.total_mw is not None:
        findings.append(Finding("power", "ok", f"{reading.total_mw / 1000:.1f} W ({reading.total_is})"))
    return findings


def _gentler(host: Host) -> str:
    """The command that makes the machine take less power."""
    modes = power_modes(host.root)
    gentlest = None if modes is None else modes.gentlest
    return "sudo cpupower frequency-set -g powersave" if gentlest is None else f"sudo nvpmodel -m {gentlest}"
