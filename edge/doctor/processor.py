"""The processor: what it computes fast, and what that means for the bundle's precisions."""

from __future__ import annotations

import re

from edge.bundle import load_bundle
from edge.doctor.finding import Finding
from edge.doctor.host import Host
from edge.precision import processor_can
from edge.sysfs import read_text

_LITTLE_MEMORY_MB = 1000


def processor(host: Host) -> list[Finding]:
    """The processor's name and the instructions that the engines profit from."""
    cpuinfo = host.file("proc/cpuinfo")
    text = read_text(cpuinfo)
    if text is None:
        return [Finding("processor", "unknown", "could not be checked: /proc/cpuinfo cannot be read")]
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    cores = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    fast = [name for name, precision in (("INT8", "int8"), ("BF16", "bf16")) if processor_can(precision, cpuinfo)]
    name = model[1] if model else host.machine
    value = f"{name}, {cores} cores; fast in FP32{''.join(f', {kind}' for kind in fast)}"
    return [Finding("processor", "ok", value)]


def memory(host: Host) -> list[Finding]:
    """Memory that is free, in MB."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", read_text(host.file("proc/meminfo")) or "", re.MULTILINE)
    if found is None:
        return [Finding("memory", "unknown", "could not be checked: /proc/meminfo does not tell")]
    free_mb = int(found[1]) * 1024 // 1_000_000
    if free_mb < _LITTLE_MEMORY_MB:
        return [
            Finding("memory", "warning", f"only {free_mb} MB free; close other programs", "ps aux --sort=-rss | head")
        ]
    return [Finding("memory", "ok", f"{free_mb / 1000:.1f} GB free")]


def auto_precision(host: Host) -> list[Finding]:
    """What `--precision auto` does here. A bundle that cannot be loaded is the model's finding, not this one's."""
    bundle = load_bundle(host.bundle)
    chosen = host.choose(bundle)
    value = f"video {chosen.video}, audio {chosen.audio}"
    wanted = {engine: choice.precision for engine, choice in bundle.selection.get(chosen.backend, {}).items()}
    got = {"video": chosen.video, "audio": chosen.audio}
    if not wanted:
        return [Finding("precision", "ok", f"auto is {value}; the bundle has no measured choice")]
    lost = [f"{engine} {precision}" for engine, precision in wanted.items() if got.get(engine) != precision]
    if lost:
        return [Finding("precision", "ok", f"auto is {value}; this processor is not made for {', '.join(lost)}")]
    return [Finding("precision", "ok", f"auto is {value}, as the bundle's measurements chose")]
