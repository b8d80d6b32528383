"""The machine as the checks see it: all that they may look at goes through a `Host`, so that a test can make one up."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge.bundle import Bundle
from edge.devices.cameras import Camera
from edge.doctor.probe import Facts, Probes
from edge.precision import Precisions
from edge.sources.portaudio import MicrophoneInfo


@dataclass(frozen=True)
class Screen:
    """Where text and the terminal view would be drawn."""

    is_terminal: bool
    columns: int
    rows: int
    encoding: str


@dataclass(frozen=True)
class Host:
    """What the checks may look at; they change nothing and open no network."""

    root: Path
    """Where /sys, /proc, /dev and /etc lie."""
    machine: str
    """'x86_64', 'aarch64'."""
    kernel: str
    python: tuple[int, int, int]
    environ: Mapping[str, str]
    bundle: Path
    recordings: Path
    """The folder in which recordings would lie."""
    screen: Screen
    in_venv: bool
    package_version: Callable[[str], str | None]
    """Version of an installed Python distribution, without importing it; None when it is not there."""
    probe: Callable[[str], Facts]
    """Facts about a library, see `edge.doctor.probe`; raises ProbeError."""
    choose: Callable[[Bundle], Precisions]
    """What `--precision auto` would do with a bundle here."""
    cosines: Callable[[Path, str], Mapping[str, float]]
    """Features of a bundle in a precision against FP32's, measured here; raises ProbeError."""
    cameras: Callable[[], list[Camera]]
    microphones: Callable[[], tuple[MicrophoneInfo, ...]]
    """Raises ProbeError when PortAudio cannot be used."""
    groups: Callable[[], frozenset[str]]
    """Names of the groups that this process belongs to."""
    can_open: Callable[[str], bool]
    """Whether this user may read and write a device."""
    free_bytes: Callable[[Path], int]
    can_write: Callable[[Path], bool]

    def file(self, name: str) -> Path:
        """A file of the machine, such as 'proc/cpuinfo'."""
        return self.root / name


def this_host(bundle: Path, recordings: Path) -> Host:
    """The machine that egoact runs on."""
    from edge.devices.ask import ask
    from edge.devices.cameras import list_cameras
    from edge.doctor.agreement import measured_cosines
    from edge.precision import AUTO, choose

    probes = Probes()
    columns, rows = shutil.get_terminal_size()
    return Host(
        root=Path("/"),
        machine=platform.machine(),
        kernel=f"{platform.system()} {platform.release()}",
        python=sys.version_info[:3],
        environ=os.environ,
        bundle=bundle,
        recordings=recordings,
        screen=Screen(sys.stdout.isatty(), columns, rows, sys.stdout.encoding or "unknown"),
        in_venv=sys.prefix != sys.base_prefix,
        package_version=_package_version,
        probe=probes.facts,
        choose=lambda bundle: choose(bundle, AUTO),
        cosines=measured_cosines,
        cameras=lambda: list_cameras(ask=ask),
        microphones=lambda: tuple(MicrophoneInfo(**m) for m in probes.facts("microphones")["found"]),
        groups=_groups,
        can_open=lambda device: os.access(device, os.R_OK | os.W_OK),
        free_bytes=lambda folder: shutil.disk_usage(folder).free,
        can_write=lambda folder: os.access(folder, os.W_OK | os.X_OK),
    )


def _package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _groups() -> frozenset[str]:
    import grp

    names = set()
    for number in {os.getegid(), *os.getgroups()}:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            names.add(str(number))
    return frozenset(names)
