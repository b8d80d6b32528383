"""Cold start: one engine in a process of its own, from the import of its back end to its first result.

Only there can loading be timed without what others have loaded before, and memory be counted for one engine alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.bench.candidate import BACKENDS, ONNXRUNTIME, Candidate, load_candidate
from edge.bundle import load_bundle
from edge.engines.base import warm_up
from edge.engines.gpu import find_gpu
from edge.errors import EngineError
from edge.sysfs import read_text
from edge.text import printable

_PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from edge.bench.cold_start import main; main(sys.argv[1])"
_LIMIT_S = 600.0
_SETTLED_RUNS = 3


@dataclass(frozen=True)
class ColdStart:
    """Of one engine in a fresh process."""

    import_s: float
    """Loading the libraries of the back end."""
    load_s: float
    """Compiling the graph, or loading the plan."""
    first_ms: float
    """The first inference."""
    memory_mb: float
    """Resident memory that the engine added to that of its libraries, after a few runs."""
    peak_mb: float
    """The most that the whole process ever had."""
    device_memory_mb: float | None
    """Memory of the GPU that the engine took."""


def cold_start(bundle: Path, candidate: Candidate) -> ColdStart:
    """Raises EngineError: the process failed; says how."""
    request = json.dumps({"bundle": str(bundle), **asdict(candidate)})
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, request, *sys.path],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"engine {candidate.engine}: no first result within {_LIMIT_S:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineError(f"engine {candidate.engine}: failed in a process of its own: {printable(last[:300])}")
    return ColdStart(**json.loads(done.stdout.splitlines()[-1]))


def main(request: str) -> None:
    """The fresh process: prints a ColdStart as JSON."""
    fields = json.loads(request)
    bundle = load_bundle(Path(fields.pop("bundle")))
    candidate = Candidate(**fields)
    begun_s = time.monotonic()
    gpu = _import_backend(candidate.backend)
    imported_s = time.monotonic()
    device = gpu.open_cuda() if gpu is not None else None
    free_before = device.memory_info()[0] if device is not None else 0
    before_mb = _memory_mb("VmRSS")
    opened_s = time.monotonic()
    engine = load_candidate(bundle, candidate, lambda: gpu or find_gpu()).engine
    loaded_s = time.monotonic()
    warm_up(engine, 1)
    first_s = time.monotonic()
    warm_up(engine, _SETTLED_RUNS)
    found = ColdStart(
        import_s=imported_s - begun_s,
        load_s=loaded_s - opened_s,
        first_ms=1e3 * (first_s - loaded_s),
        memory_mb=_memory_mb("VmRSS") - before_mb,
        peak_mb=_memory_mb("VmHWM"),
        device_memory_mb=None if device is None else (free_before - device.memory_info()[0]) / 1e6,
    )
    print(json.dumps(asdict(found)))


def _import_backend(backend: str):  # type: ignore[no-untyped-def]
    assert backend in BACKENDS
    if backend == "tensorrt":
        return find_gpu()
    if backend == ONNXRUNTIME:
        import onnxruntime  # noqa: F401
    else:
        import openvino

        openvino.Core()
    return None


def _memory_mb(field: str) -> float:
    """A field of /proc/self/status (proc(5)), which are in kB; 0 where the kernel does not tell."""
    for line in (read_text(Path("/proc/self/status")) or "").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    return 0.0
