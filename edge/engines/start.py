"""From what a user asked for (back end, precision) to running engines: TensorRT where it can, else the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.bundle import Bundle
from edge.engines.gpu import Gpu, find_gpu
from edge.engines.load import Engines, load_engines
from edge.errors import BundleError, NoGpuError, PlanError
from edge.precision import AUTO, CPU_PRECISIONS, TENSORRT_PRECISIONS, Precisions, choose, temperature

BACKEND_CHOICES = (AUTO, "cpu", "tensorrt")


@dataclass(frozen=True)
class Started:
    """Engines that run, and what they run in."""

    engines: Engines
    precisions: Precisions
    temperature: float
    note: str | None
    """Why the CPU stands in for a GPU that is there; None when nothing needs to be said."""


def start_engines(
    bundle: Bundle,
    precision: str = AUTO,
    backend: str = AUTO,
    *,
    threads: int | None = None,
    find: Callable[[], Gpu] = find_gpu,
) -> Started:
    """Load the engines of a bundle.

    Args:
        precision: see `edge.precision.choose`.
        backend: 'cpu', 'tensorrt' (fails where it cannot run), or 'auto' (TensorRT where a GPU and its plans are
            there, otherwise the CPU).
        threads: CPU threads of each engine on the CPU; None takes all cores.
        find: how to come by the GPU.

    Raises:
        UsageError: an unknown precision.
        BundleError: the bundle has no such graph or no temperature for it.
        EngineError: the back end that was asked for cannot run.
    """
    if backend == "tensorrt":
        return _started(bundle, choose(bundle, precision, backend), threads, find, None)
    note = None
    if backend == AUTO and not _only_on_cpu(precision):
        try:
            gpu = find()
            return _started(bundle, choose(bundle, precision, "tensorrt"), threads, lambda: gpu, None)
        except (NoGpuError, PlanError, BundleError) as error:
            # A machine without a GPU is nothing to report; a GPU that could be used and is not, is.
            note = None if isinstance(error, NoGpuError) else str(error)
    return _started(bundle, choose(bundle, precision), threads, find, note)


def check_precision(bundle: Bundle, precision: str, backend: str = AUTO) -> None:
    """See that the bundle has what was asked for, on some back end if it is 'auto', without looking for a GPU.

    Raises:
        UsageError: an unknown precision.
        BundleError: the bundle has no such graph or no temperature for it.
    """
    if backend != AUTO:
        choose(bundle, precision, backend)
    elif "f16" in precision.split("+"):
        choose(bundle, precision, "tensorrt")
    else:
        try:
            choose(bundle, precision)
        except BundleError:
            if _only_on_cpu(precision):
                raise
            choose(bundle, precision, "tensorrt")


def _only_on_cpu(precision: str) -> bool:
    return any(part in CPU_PRECISIONS and part not in TENSORRT_PRECISIONS for part in precision.split("+"))


def _started(
    bundle: Bundle, precisions: Precisions, threads: int | None, find: Callable[[], Gpu], note: str | None
) -> Started:
    engines = load_engines(bundle, precisions, threads=threads, find=find)
    return Started(engines, precisions, temperature(bundle, precisions), note)
