"""Where recordings would go, where text is drawn, which clock is read."""

from __future__ import annotations

from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.sysfs import read_text
from edge.text import printable

LITTLE_DISK_BYTES = 2_000_000_000
VIEW_COLUMNS, VIEW_ROWS = 80, 24
_SLOW_CLOCKS = ("hpet", "acpi_pm", "refined-jiffies", "jiffies", "pit")
"""Reading them takes microseconds or is coarse."""
_CLOCKSOURCE = "sys/devices/system/clocksource/clocksource0"


def disk(host: Host) -> list[Finding]:
    """Room left where recordings would go."""
    folder = host.recordings
    # The folder of --record need not exist yet: its nearest parent decides.
    existing = next((path for path in (folder, *folder.absolute().parents) if path.is_dir()), folder)
    free = host.free_bytes(existing)
    where = printable(str(folder))
    if not host.can_write(existing):
        return [Finding("disk", "warning", f"{where} cannot be written: no recordings", f"sudo chown $USER {existing}")]
    value = f"{free / 1e9:.1f} GB free at {where}"
    if free < LITTLE_DISK_BYTES:
        return [Finding("disk", "warning", f"{value}: recordings will be short", "du -xh --max-depth=1 ~ | sort -h")]
    return [Finding("disk", "ok", value)]


def terminal(host: Host) -> list[Finding]:
    """Whether this terminal can show the view."""
    screen = host.screen
    if not screen.is_terminal:
        return [Finding("terminal", "ok", "none here: use --headless")]
    if host.environ.get("TERM", "dumb") == "dumb":
        return [Finding("terminal", "warning", "TERM is not set: no view", "export TERM=xterm-256color")]
    value = f"{screen.columns}x{screen.rows}, {_colours(host)}, {screen.encoding}"
    if screen.encoding.lower().replace("-", "") != "utf8":
        return [Finding("terminal", "warning", f"{value}: lines and bars look broken", "export LC_ALL=C.UTF-8")]
    if screen.columns < VIEW_COLUMNS or screen.rows < VIEW_ROWS:
        needed = f"{value}: enlarge it to {VIEW_COLUMNS}x{VIEW_ROWS}"
        return [Finding("terminal", "warning", needed, f"printf '\\e[8;{VIEW_ROWS};{VIEW_COLUMNS}t'")]
    return [Finding("terminal", "ok", value)]


def _colours(host: Host) -> str:
    if host.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR is set)"
    if host.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256color" in host.environ.get("TERM", "") else "16 colours"


def clock(host: Host) -> list[Finding]:
    """Whether the kernel's clock source is a fast and steady one."""
    current = read_text(host.file(f"{_CLOCKSOURCE}/current_clocksource"))
    if current is None:
        return [Finding("clock", "unknown", "could not be checked: the kernel does not name its clock source")]
    available = (read_text(host.file(f"{_CLOCKSOURCE}/available_clocksource")) or "").split()
    fast = next((name for name in available if name not in _SLOW_CLOCKS), None)
    if current not in _SLOW_CLOCKS:
        return [Finding("clock", "ok", f"monotonic time from {current}")]
    mend = f"echo {fast} | sudo tee /{_CLOCKSOURCE}/current_clocksource" if fast else "dmesg | grep -i clocksource"
    return [Finding("clock", "warning", f"monotonic time from {current}, which is slow to read", mend)]
